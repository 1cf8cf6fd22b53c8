import Engine
import Primitives

/// Events of one owner and one write that lie close in time share a row (decision 0092).
///
/// Its key is that of the first. Its value holds the first as if it stood alone, then each other
/// behind the milliseconds since the one before and its ordinal, in order of time, ties by ordinal.
/// Rows of one owner can overlap, so what must be in order is sorted by its reader; no event lies
/// more than `Limits.eventRunSpanMS` behind the key of its row.
///
/// Writes such rows, in the same memory one after the other.
@safe
final class EventRunWriter {
    private let family: OpaquePointer
    private let keyBytes = ByteWriter(capacity: 32)
    private let row = RowWriter()
    private var first: EventKey?
    private var last: EventKey?

    init(store: Store) {
        unsafe family = store.family(.events)
    }

    /// Where the rest of the event is to be written: in the row that is open, if the event may
    /// follow there, or in a new one.
    func begin(_ key: EventKey, in batch: WriteBatch) -> RowWriter {
        if let first, let last, key.mayFollow(last, inRowOf: first),
            row.bytes.count < Limits.eventRunBytesMax
        {
            row.put(UInt64(key.time.milliseconds - last.time.milliseconds))
            row.put(UInt64(key.ordinal))
        } else {
            finish(in: batch)
            first = key
            key.write(to: keyBytes)
        }
        last = key
        return row
    }

    /// Ends the row that is open, if any.
    func finish(in batch: WriteBatch) {
        guard first != nil else { return }
        let (keyBytes, value) = (keyBytes, row.bytes)
        unsafe batch.put(family, keyBytes.bytes, value.bytes)
        keyBytes.removeAll()
        value.removeAll()
        first = nil
    }
}

extension EventKey {
    fileprivate func mayFollow(_ last: EventKey, inRowOf first: EventKey) -> Bool {
        guard position == first.position, owner == first.owner, group == first.group,
            last < self
        else { return false }
        let (span, overflow) = time.milliseconds.subtractingReportingOverflow(
            first.time.milliseconds
        )
        return !overflow && span <= Limits.eventRunSpanMS
    }

    /// The latest time that an event can have in a row with this key.
    var latestEventTime: Timestamp {
        let (time, overflow) = time.milliseconds.addingReportingOverflow(Limits.eventRunSpanMS)
        return Timestamp(milliseconds: overflow ? .max : time)
    }

    /// The earliest time that the key of a row can have that holds an event of this one.
    var earliestRowTime: Timestamp {
        let (time, overflow) = time.milliseconds.subtractingReportingOverflow(
            Limits.eventRunSpanMS
        )
        return Timestamp(milliseconds: overflow ? .min : time)
    }
}

extension RowReader {
    /// The key of the next event in its row, behind that of `key`, which was read; `nil` at the
    /// end.
    mutating func nextEventKey(after key: EventKey) throws(Damaged) -> EventKey? {
        guard !isAtEnd else { return nil }
        let (time, overflow) = key.time.milliseconds.addingReportingOverflow(
            try narrow(Int64.self)
        )
        guard !overflow else { throw Damaged() }
        var next = key
        next.time = Timestamp(milliseconds: time)
        next.ordinal = try narrow(UInt16.self)
        return next
    }

    /// Calls `body` with every event of a row and the byte that it ends before.
    mutating func forEachEvent(
        from first: EventKey,
        _ body: (EventKey, StoredEvent, _ end: Int) -> Void
    ) throws(Damaged) {
        var key: EventKey? = first
        while let next = key {
            let event = try event(next)
            body(next, event, offset)
            key = try nextEventKey(after: next)
        }
    }
}

/// Brings what comes by rows in the order of the events.
struct EventOrder<Event> {
    private var waiting: [(key: EventKey, event: Event)] = []
    private var isSorted = true

    mutating func add(_ key: EventKey, _ event: Event) {
        if let last = waiting.last, key < last.key { isSorted = false }
        waiting.append((key, event))
    }

    /// Hands over what no row from that of `key` on comes before; without a key, all there is.
    mutating func drain(before key: EventKey? = nil, _ body: (EventKey, Event) -> Void) {
        guard !waiting.isEmpty else { return }
        if !isSorted { waiting.sort { $0.key < $1.key } }
        isSorted = true
        let end = key.flatMap { key in waiting.firstIndex { $0.key > key } } ?? waiting.count
        for (key, event) in waiting[..<end] { body(key, event) }
        waiting.removeFirst(end)
    }
}
