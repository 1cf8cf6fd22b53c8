/// The classes of rows on disk, one RocksDB column family each.
///
/// Names are part of the format.
enum ColumnFamily: String, CaseIterable {
    /// Must be the first: RocksDB has it in every database.
    case meta = "default"
    case resources
    /// Identifiers and event type names by dense index.
    case names
    case sessions
    case items
    case users
    case events
    /// Ids given by clients, hashed, to the key of their event; and sessions whose events moved, by
    /// index, to the user who has them, for generated ids.
    case eventIDs = "event_ids"
    case requests
    case artifacts
    /// How far jobs are, and the rows that they refused.
    case jobs
    /// Lists that were served, packed, by the number of their first; no part of the log.
    case served
    /// How often an item was shown in vain, by group and item; no part of the log.
    case showings
    /// What histories were before a write changed more than their ends; see `HistoryRewrite`.
    case rewrites
    /// The answers to the newest batches of producers.
    case batches
    /// By item, the position up to which events on it count no more.
    case itemDeletions = "item_deletions"
    /// What was deleted, by position: keyed hashes of ids, never ids.
    case audit

    var index: Int {
        // `allCases` is in order of declaration and short.
        Self.allCases.firstIndex(of: self) ?? 0
    }
}
