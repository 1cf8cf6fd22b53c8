import Engine
import Primitives

/// The stored events of one owner.
struct EventRows {
    let store: Store
    let group: GroupIndex
    let owner: UserIndex

    /// All of them, oldest first.
    func all() throws(JournalError) -> [StoredEvent] {
        var found: [StoredEvent] = []
        var order = EventOrder<StoredEvent>()
        func take(_: EventKey, _ event: StoredEvent) { found.append(event) }
        try forEachRow { (key, reader) throws(RowReader.Damaged) in
            order.drain(before: key, take)
            try reader.forEachEvent(from: key) { key, event, _ in order.add(key, event) }
            return true
        }
        order.drain(take)
        return found
    }

    /// Those of one time, oldest first.
    ///
    /// Reads the rows of `Limits.eventRunSpanMS` before it.
    func all(at time: Timestamp) throws(JournalError) -> [StoredEvent] {
        let moment = EventKey(
            group: group,
            owner: owner,
            time: time,
            position: .zero,
            ordinal: 0
        )
        var found: [(key: EventKey, event: StoredEvent)] = []
        let start = RowKey.moment(group, owner, moment.earliestRowTime)
        try forEachRow(from: start) { (key, reader) throws(RowReader.Damaged) in
            guard key.time <= time else { return false }
            try reader.forEachEvent(from: key) { key, event, _ in
                if key.time == time { found.append((key, event)) }
            }
            return true
        }
        return found.sorted { $0.key < $1.key }.map(\.event)
    }

    /// Up to `count` that satisfy `isWanted`, newest first, from below `place` on.
    func newest(
        before place: EventKey?,
        count: Int,
        where isWanted: (StoredEvent) -> Bool
    ) throws(JournalError) -> [StoredEvent] {
        var found: [StoredEvent] = []
        var waiting: [(key: EventKey, event: StoredEvent)] = []
        var newest: Timestamp?
        // Rows that come later hold nothing behind `limit`.
        func settle(behind limit: Timestamp?) {
            if let limit, let newest, newest <= limit { return }
            waiting.sort { $0.key < $1.key }
            while let last = waiting.last, limit.map({ last.key.time > $0 }) ?? true {
                found.append(waiting.removeLast().event)
            }
            newest = waiting.last?.key.time
        }
        try forEachRow(from: place?.bytes ?? [], backwards: true) {
            (key, reader) throws(RowReader.Damaged) in
            settle(behind: key.latestEventTime)
            guard found.count < count else { return false }
            try reader.forEachEvent(from: key) { key, event, _ in
                if let place, key >= place { return }
                guard isWanted(event) else { return }
                waiting.append((key, event))
                newest = max(newest ?? key.time, key.time)
            }
            return true
        }
        settle(behind: nil)
        return Array(found.prefix(count))
    }

    /// The one with this key.
    func event(_ key: EventKey) throws(JournalError) -> StoredEvent? {
        try row(of: key)?.first { $0.key == key }?.event
    }

    /// Takes one away from its row.
    func remove(
        _ key: EventKey,
        with runs: EventRunWriter,
        in batch: WriteBatch
    ) throws(JournalError) {
        guard let row = try row(of: key), let first = row.first else { return }
        unsafe batch.delete(store.family(.events), first.key.bytes)
        for (other, event) in row where other != key { runs.begin(other, in: batch).put(event) }
        runs.finish(in: batch)
    }

    /// The events of the row that has the one with this key.
    private func row(
        of wanted: EventKey
    ) throws(JournalError) -> [(key: EventKey, event: StoredEvent)]? {
        var found: [(key: EventKey, event: StoredEvent)]?
        let earliest = wanted.earliestRowTime
        // Right behind the row that it may begin.
        try forEachRow(from: wanted.bytes + [0], backwards: true) {
            (key, reader) throws(RowReader.Damaged) in
            guard key.time >= earliest else { return false }
            guard key.position == wanted.position else { return true }
            var events: [(key: EventKey, event: StoredEvent)] = []
            try reader.forEachEvent(from: key) { key, event, _ in events.append((key, event)) }
            if events.contains(where: { $0.key == wanted }) { found = events }
            return found == nil
        }
        return found
    }

    private func forEachRow(
        from start: [UInt8] = [],
        backwards: Bool = false,
        _ body: (EventKey, inout RowReader) throws(RowReader.Damaged) -> Bool
    ) throws(JournalError) {
        try unsafe store.scan(
            .events,
            prefix: RowKey.owner(group, owner),
            from: start,
            backwards: backwards
        ) { (key, value) throws(JournalError) in
            var reader = unsafe RowReader(value)
            do throws(RowReader.Damaged) {
                guard let key = unsafe EventKey(key) else { throw RowReader.Damaged() }
                return try body(key, &reader)
            } catch {
                throw JournalError(.corrupt, "an event's row can't be read")
            }
        }
    }
}
