/// What names a stream in a callback of libnghttp2: its id, which no other stream of the same
/// connection ever has (RFC 9113, 5.1.1; decision 46).
struct StreamKey: Hashable {
    let id: Int32
}

/// The open streams of a session.
///
/// Ids of one side grow by two, so half an id is a place that no two share as long as fewer are
/// open than there are places: a look-up is a mask and a comparison. A peer that skips ids may make
/// them share places; then they lie side by side. Memory for twice the streams that were ever open
/// at once.
package struct StreamTable {
    private var slots: [HTTP2Stream?] = []
    package private(set) var count = 0
    /// Streams that lie behind their own place.
    private var displaced = 0

    package var isEmpty: Bool { count == 0 }

    /// The open streams, in no order.
    var all: [HTTP2Stream] { slots.compactMap { $0 } }

    /// Whether any open stream is so; allocates nothing.
    func contains(where isSo: (HTTP2Stream) -> Bool) -> Bool {
        slots.contains { $0.map(isSo) ?? false }
    }

    subscript(key: StreamKey) -> HTTP2Stream? {
        if slots.isEmpty { return nil }
        var place = home(key.id)
        while let stream = slots[place] {
            if stream.id == key.id { return stream }
            place = after(place)
        }
        return nil
    }

    /// Adds a stream that has its id.
    mutating func add(_ stream: HTTP2Stream) {
        if (count + 1) * 2 > slots.count { grow() }
        insert(stream)
        count += 1
    }

    mutating func remove(_ key: StreamKey) -> HTTP2Stream? {
        if slots.isEmpty { return nil }
        var place = home(key.id)
        while let stream = slots[place] {
            if stream.id == key.id {
                slots[place] = nil
                count -= 1
                if place != home(key.id) { displaced -= 1 }
                if displaced > 0 { closeGap(at: place) }
                return stream
            }
            place = after(place)
        }
        return nil
    }

    /// Forgets the streams and returns them.
    mutating func removeAll() -> [HTTP2Stream] {
        defer { self = StreamTable() }
        return all
    }

    private mutating func insert(_ stream: HTTP2Stream) {
        var place = home(stream.id)
        while slots[place] != nil { place = after(place) }
        if place != home(stream.id) { displaced += 1 }
        slots[place] = stream
    }

    /// Moves up those that a look-up would no longer reach.
    private mutating func closeGap(at start: Int) {
        var place = after(start)
        while let stream = slots[place] {
            slots[place] = nil
            if place != home(stream.id) { displaced -= 1 }
            insert(stream)
            place = after(place)
        }
    }

    private mutating func grow() {
        let streams = all
        slots = Array(repeating: nil, count: max(slots.count * 2, 8))
        displaced = 0
        for stream in streams { insert(stream) }
    }

    private func home(_ id: Int32) -> Int { Int(id >> 1) & (slots.count - 1) }

    private func after(_ place: Int) -> Int { (place + 1) & (slots.count - 1) }
}
