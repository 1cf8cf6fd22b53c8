package import Primitives
import Synchronization

/// Who makes the indexes of number columns.
package enum NumberIndexing: Sendable {
    /// Nobody; those that are there are not used.
    case never
    /// The request that finds chunks without slices, before it reads them: for tests and
    /// measurements, whose answers then come from slices.
    case inRequests
    /// A pool, while requests read the column.
    case onWorkers(WorkerPool)
}

/// The indexes of a group's number columns that filters with parameters or the clock have asked
/// for.
///
/// Any thread; the lock is held for one look-up. The first request of a column has its index made.
/// Chunks that are written to later are read as they are, until all that was read so is as much
/// work as new slices are: many writes between few requests cost nothing here.
package final class NumberIndexes: Sendable {
    fileprivate struct Key: Hashable {
        let layout: UInt64
        /// `nil` is `CREATION_TIMESTAMP`.
        let place: Int?
    }

    fileprivate struct Entry {
        var index = NumberIndex.empty
        var state = BuildState.new
        /// Chunks that requests have read as they are since the index was made.
        var staleReads = 0
        var usedAt: UInt64 = 0
    }

    fileprivate enum BuildState {
        /// Not asked for before.
        case new
        case building
        case built
        /// Alone beyond the bound of all; not tried again.
        case tooLarge
    }

    fileprivate struct State {
        var indexing: NumberIndexing
        var entries: [Key: Entry] = [:]
        var time: UInt64 = 0
    }

    private let state: Mutex<State>
    private let byteCountMax: Int

    package init(
        _ indexing: NumberIndexing,
        byteCountMax: Int = Limits.numberIndexBytesMax
    ) {
        state = Mutex(State(indexing: indexing))
        self.byteCountMax = byteCountMax
    }

    package var indexing: NumberIndexing {
        get { state.withLock { $0.indexing } }
        set { state.withLock { $0.indexing = newValue } }
    }

    package var byteCount: Int {
        state.withLock { $0.entries.values.reduce(0) { $0 + $1.index.byteCount } }
    }

    /// What there is of the index of a column, some of it maybe of another version.
    ///
    /// O(1) when the column has not changed since, O(chunks) otherwise.
    package func index(of place: Int?, _ root: GroupRoot) -> NumberIndex? {
        let column = root.columns.column(place)
        guard column.kind == .number else { return nil }
        let key = Key(layout: root.layout, place: place)
        let (indexing, known) = state.withLock { ($0.indexing, $0.use(key)) }
        if case .never = indexing { return nil }
        // A request of an older root takes what it can use.
        guard known.version < column.version else { return known }
        let staleChunks = known.staleChunkCount(of: column)
        let isAlways = if case .inRequests = indexing { true } else { false }
        let isBuilder = state.withLock { state in
            state.beginsBuilding(key, column, staleChunks, isAlways: isAlways)
        }
        guard isBuilder else { return known }
        switch indexing {
        case .never: return nil
        case .inRequests: return build(key, known, column)
        case .onWorkers(let pool):
            if !pool.submit({ [self] in _ = build(key, known, column) }) {
                state.withLock { $0.entries[key]?.state = .new }
            }
            return known
        }
    }

    private func build(_ key: Key, _ known: NumberIndex, _ column: ItemColumn) -> NumberIndex {
        let made = known.updated(to: column, byteCountMax: byteCountMax)
        state.withLock { $0.adopt(made, key, byteCountMax: byteCountMax) }
        return made ?? .empty
    }
}

extension NumberIndexes.State {
    fileprivate mutating func use(_ key: NumberIndexes.Key) -> NumberIndex {
        time += 1
        if entries[key] == nil {
            // Nobody asks with an older layout again, but for who is at it.
            entries = entries.filter { $0.key.layout >= key.layout }
        }
        entries[key, default: NumberIndexes.Entry()].usedAt = time
        return entries[key]?.index ?? .empty
    }

    /// Whether it is worth while to make `staleChunks` slices now, by whoever asks.
    fileprivate mutating func beginsBuilding(
        _ key: NumberIndexes.Key,
        _ column: ItemColumn,
        _ staleChunks: Int,
        isAlways: Bool
    ) -> Bool {
        // Another build may have ended meanwhile, with a newer column.
        guard var entry = entries[key], entry.index.version < column.version else { return false }
        defer { entries[key] = entry }
        switch entry.state {
        case .building, .tooLarge: return false
        case .new: break
        case .built:
            entry.staleReads += staleChunks
            guard isAlways || entry.staleReads >= staleChunks * Limits.readsPerNumberSlices else {
                return false
            }
        }
        entry.state = .building
        return true
    }

    /// Takes over what was made; forgets the indexes that were not used longest where all together
    /// are beyond the bound.
    fileprivate mutating func adopt(
        _ made: NumberIndex?,
        _ key: NumberIndexes.Key,
        byteCountMax: Int
    ) {
        guard var entry = entries[key] else { return }
        entry.state = made == nil ? .tooLarge : .built
        entry.index = made ?? .empty
        entry.staleReads = 0
        entries[key] = entry
        var bytes = entries.values.reduce(0) { $0 + $1.index.byteCount }
        let others = entries.filter { $0.key != key && $0.value.index.byteCount > 0 }
        for (other, entry) in others.sorted(by: { $0.value.usedAt < $1.value.usedAt }) {
            guard bytes > byteCountMax else { return }
            bytes -= entry.index.byteCount
            entries[other]?.index = .empty
        }
    }
}
