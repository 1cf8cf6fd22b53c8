package import Engine
package import Primitives
package import Resources
import Synchronization

/// Where a row of events is; the place where a page of them ends.
package struct EventPlace: Hashable, Sendable {
    package var owner: UserIndex
    package var time: Timestamp
    package var position: LogPosition
    package var ordinal: UInt16

    package init(owner: UserIndex, time: Timestamp, position: LogPosition, ordinal: UInt16) {
        self.owner = owner
        self.time = time
        self.position = position
        self.ordinal = ordinal
    }
}

/// A stored event with the names of whom it belongs to.
package struct ReadEvent: Sendable {
    package var owner: UserIndex
    package var event: StoredEvent

    package var place: EventPlace {
        EventPlace(
            owner: owner,
            time: event.record.occurredAt,
            position: event.position,
            ordinal: event.ordinal
        )
    }
}

/// Reads single records and pages of them from disk, on any thread that may wait for it.
///
/// Sees everything that was acknowledged before the question: rows are written before they are
/// applied.
package final class RecordReader: Sendable {
    private let writer: Writer

    init(writer: Writer) {
        self.writer = writer
    }

    private func withStore<R>(_ body: (Store) throws(JournalError) -> R) throws(Refusal) -> R {
        guard let store = writer.readable.withLock({ $0 }) else {
            throw Refusal(.unavailable, "the store is shut since it could not write")
        }
        do throws(JournalError) {
            return try body(store)
        } catch {
            throw Refusal(.unavailable, "the store could not be read: \(error)")
        }
    }

    // MARK: Users and items

    /// Up to `count` records of users or items with an index above `last`, in order of it; those of
    /// the bulk generation `active` where none was put.
    package func entities(
        _ group: GroupIndex,
        _ kind: DatasetKind,
        active: UInt32,
        after last: UInt32?,
        count: Int
    ) throws(Refusal) -> [(index: UInt32, record: EntityRecord)] {
        let family: ColumnFamily = kind == .users ? .users : .items
        guard last != .max else { return [] }
        let start = RowKey.entity(group, last.map { $0 + 1 } ?? 0)
        return try withStore { (store) throws(JournalError) in
            var found: [(index: UInt32, record: EntityRecord)] = []
            try unsafe store.scan(family, prefix: RowKey.group(group), from: start) {
                (key, value) throws(JournalError) in
                guard key.count == 8 || key.count == 12 else {
                    throw JournalError(.corrupt, "a record's row has no key of one")
                }
                let index = UInt32(truncatingIfNeeded: unsafe RowKey.read(key, 4, 4))
                // What was put stands in front of what came in bulk.
                if found.last?.index == index { return true }
                guard found.count < count else { return false }
                if key.count == 12, unsafe RowKey.read(key, 8, 4) != UInt64(active) { return true }
                var reader = unsafe RowReader(value)
                guard let id = try? reader.text(), let record = try? reader.entity(id: id) else {
                    throw JournalError(.corrupt, "a record's row can't be read")
                }
                found.append((index, record))
                return true
            }
            return found
        }
    }

    // MARK: Events

    /// Up to `count` events of an owner that satisfy `isWanted`, newest first, from below `place`
    /// on.
    package func events(
        _ group: GroupIndex,
        of owner: UserIndex,
        before place: EventPlace?,
        count: Int,
        where isWanted: (StoredEvent) -> Bool
    ) throws(Refusal) -> [ReadEvent] {
        let start = place.map { place in
            EventKey(
                group: group,
                owner: place.owner,
                time: place.time,
                position: place.position,
                ordinal: place.ordinal
            )
        }
        return try withStore { (store) throws(JournalError) in
            try EventRows(store: store, group: group, owner: owner)
                .newest(before: start, count: count, where: isWanted)
                .map { ReadEvent(owner: owner, event: $0) }
        }
    }

    /// Events of one owner at one time, newest first; also when they have moved since to a user who
    /// joined.
    package func events(
        _ group: GroupIndex,
        at moment: InteractionMoment,
        where isWanted: (StoredEvent) -> Bool
    ) throws(Refusal) -> [ReadEvent] {
        try withStore { (store) throws(JournalError) in
            var owner = moment.owner
            for _ in 0..<Limits.eventMovesMax {
                let found = try EventRows(store: store, group: group, owner: owner)
                    .all(at: moment.time).reversed().filter(isWanted)
                    .map { ReadEvent(owner: owner, event: $0) }
                guard found.isEmpty, let next = try Self.mover(store, group, owner) else {
                    return found
                }
                owner = next
            }
            return []
        }
    }

    /// The user to whom the events of an owner went.
    static func mover(
        _ store: Store,
        _ group: GroupIndex,
        _ owner: UserIndex
    ) throws(JournalError) -> UserIndex? {
        guard let row = try store.get(.eventIDs, RowKey.entity(group, owner.rawValue)) else {
            return nil
        }
        var reader = RowReader(row)
        return (try? reader.narrow(UInt32.self)).map { UserIndex($0) }
    }

    /// The id of an owner, and whether it is a user's or a session's; `nil` when it has none.
    package func name(
        _ group: GroupIndex,
        _ owner: UserIndex
    ) throws(Refusal) -> (kind: OwnerKind, id: String)? {
        try withStore { (store) throws(JournalError) in
            let key = RowKey.name(group, .owner, owner.rawValue)
            guard let row = try store.get(.names, key) else { return nil }
            var reader = RowReader(row)
            guard let kind = (try? reader.narrow(UInt8.self)).flatMap({ OwnerKind(rawValue: $0) }),
                let id = try? reader.text()
            else { throw JournalError(.corrupt, "the name of an owner can't be read") }
            return (kind, id)
        }
    }
}
