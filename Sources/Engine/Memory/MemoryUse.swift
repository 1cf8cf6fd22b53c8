/// What takes the memory of a server, by structure.
///
/// Capacities, not counts; texts on the heap with their headers. What the allocator loses between
/// is in none of them.
package struct MemoryUse: Hashable, Sendable {
    package enum Structure: String, CaseIterable, Sendable {
        /// Item, type and time of every event that a history keeps.
        case histories
        /// Values and own columns of events.
        case eventDetails = "event_details"
        /// One slot a user or session.
        case owners
        /// Ids of users, sessions and items, and the way from an id to its index.
        case identifiers
        case userRecords = "user_records"
        case itemRecords = "item_records"
        /// Columns of items as filters read them.
        case itemColumns = "item_columns"
        /// Sets of items and indexes of numbers that filters keep.
        case filterIndexes = "filter_indexes"
        /// Which items may be recommended, and how many events each has.
        case itemCounts = "item_counts"
        /// Trained matrices and what live parts count.
        case models
        case servedLists = "served_lists"
        /// RocksDB's buffers and caches.
        case store
    }

    private var bytes: [Structure: Int] = [:]

    /// What of it is in each shard, those of all groups together.
    package private(set) var shards = Array(repeating: 0, count: GroupStore.shardCount)

    package init() {}

    package subscript(structure: Structure) -> Int { bytes[structure] ?? 0 }

    package mutating func add(_ count: Int, to structure: Structure) {
        bytes[structure, default: 0] += count
    }

    /// Adds what `body` adds to a shard, too.
    package mutating func add(toShard shard: Int, _ body: (inout MemoryUse) -> Void) {
        let before = total
        body(&self)
        shards[shard] += total - before
    }

    private var total: Int { bytes.values.reduce(0, +) }

    /// The largest first.
    package var sorted: [(structure: Structure, bytes: Int)] {
        Structure.allCases.map { ($0, self[$0]) }.sorted { $0.1 > $1.1 }
    }
}
