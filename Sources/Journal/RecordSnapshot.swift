package import Engine
package import Primitives
import Resources

/// The records at one position, whatever is written since; what a training reads.
package final class RecordSnapshot: Sendable {
    package let position: LogPosition
    let store: Store
    let snapshot: StoreSnapshot
    /// The bulk generations that counted then.
    private let active: [GroupIndex: [DatasetKind: UInt32]]

    init(
        store: Store,
        snapshot: StoreSnapshot,
        position: LogPosition,
        active: [GroupIndex: [DatasetKind: UInt32]]
    ) {
        self.active = active
        self.store = store
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
    /// - Throws: `JournalError` when a row can't be read.
    package func forEachEvent(
        of group: GroupIndex,
        _ body: (UserIndex, StoredEvent) -> Bool
    ) throws(JournalError) {
        let generation = activeGeneration(group, .interactions)
        try unsafe store.scan(.events, prefix: RowKey.group(group), snapshot: snapshot) {
            (key, value) throws(JournalError) in
            var reader = unsafe RowReader(value)
            guard let eventKey = unsafe EventKey(key), let event = try? reader.event(eventKey)
            else { throw JournalError(.corrupt, "an event's row can't be read") }
            let isVisible = event.generation == 0 || event.generation == generation
            return isVisible ? body(eventKey.owner, event) : true
        }
    }
}
