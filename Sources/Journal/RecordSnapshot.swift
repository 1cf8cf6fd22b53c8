package import Engine
package import Primitives
import Resources

/// The records at one position, whatever is written since; what a training reads.
package final class RecordSnapshot: Sendable {
    package let position: LogPosition
    let snapshot: StoreSnapshot
    /// The bulk generations that counted then.
    private let active: [GroupIndex: [DatasetKind: UInt32]]

    init(
        snapshot: StoreSnapshot,
        position: LogPosition,
        active: [GroupIndex: [DatasetKind: UInt32]]
    ) {
        self.active = active
        self.snapshot = snapshot
        self.position = position
    }

    func activeGeneration(_ group: GroupIndex, _ kind: DatasetKind) -> UInt32 {
        active[group]?[kind] ?? BulkState().active
    }

    /// Calls `body` with every event of a group by owner, each owner's oldest first.
    ///
    /// `body` returns false to stop. About 0.3 µs a record.
    ///
    /// - Throws: `JournalError` when a row can't be read; `snapshotRevoked` when a write has failed
    ///   and the store had to be opened again.
    package func forEachEvent(
        of group: GroupIndex,
        _ body: (UserIndex, StoredEvent) -> Bool
    ) throws(JournalError) {
        try forEachEventRow(of: group) { owner, event, _ in body(owner, event) }
    }

    /// The same with the bytes that each takes in its row, the key in those of the first.
    package func forEachEventRow(
        of group: GroupIndex,
        _ body: (UserIndex, StoredEvent, _ byteCount: Int) -> Bool
    ) throws(JournalError) {
        let deletions = try itemDeletions(of: group)
        let generation = activeGeneration(group, .interactions)
        var order = EventOrder<(StoredEvent, Int)>()
        var isWanted = true
        func tell(_ key: EventKey, _ one: (event: StoredEvent, byteCount: Int)) {
            let event = one.event
            if let item = event.item, let last = deletions[item], event.position <= last { return }
            let isVisible = event.generation == 0 || event.generation == generation
            if isWanted && isVisible { isWanted = body(key.owner, event, one.byteCount) }
        }
        try unsafe snapshot.scan(.events, prefix: RowKey.group(group)) {
            (bytes, value) throws(JournalError) in
            var reader = unsafe RowReader(value)
            do throws(RowReader.Damaged) {
                guard let first = unsafe EventKey(bytes) else { throw RowReader.Damaged() }
                order.drain(before: first, tell)
                guard isWanted else { return false }
                var start = -bytes.count
                try reader.forEachEvent(from: first) { key, event, end in
                    order.add(key, (event, end - start))
                    start = end
                }
                return true
            } catch {
                throw JournalError(.corrupt, "an event's row can't be read")
            }
        }
        order.drain(tell)
    }

    /// Events on these items at or below the position count no more.
    private func itemDeletions(
        of group: GroupIndex
    ) throws(JournalError) -> [ItemIndex: LogPosition] {
        var deletions: [ItemIndex: LogPosition] = [:]
        try unsafe snapshot.scan(.itemDeletions, prefix: RowKey.group(group)) {
            (key, value) throws(JournalError) in
            var reader = unsafe RowReader(value)
            guard key.count == 8, let position = try? reader.unsigned() else {
                throw JournalError(.corrupt, "the row of a deleted item can't be read")
            }
            let item = ItemIndex(UInt32(truncatingIfNeeded: unsafe RowKey.read(key, 4, 4)))
            deletions[item] = LogPosition(position)
            return true
        }
        return deletions
    }
}
