import Primitives

/// Which streams a client has opened, as far as a header block can be out of place.
///
/// libnghttp2 keeps nothing of closed streams here, which makes it faster, and then drops header
/// blocks on them in silence. A client may send trailers to a stream that the server has reset
/// meanwhile; any other header block on a stream that is not open is an error of the connection.
struct PeerStreams {
    private var last: Int32 = 0
    /// The numbers that were left out most lately.
    private var skipped: Range<Int32> = 0..<0
    /// Streams that ended before the client knew, the newest last.
    private var excused: [Int32] = []

    /// Whether a header block on `id` opens a new stream.
    mutating func opens(_ id: Int32) -> Bool {
        guard id > last else { return false }
        if id > last + 2 { skipped = last + 1..<id }
        last = id
        return true
    }

    /// The stream ended while the client could still send trailers to it.
    mutating func excuse(_ id: Int32) {
        if excused.count == Limits.streamsPerConnectionMax { excused.removeFirst() }
        excused.append(id)
    }

    /// What is wrong with a header block on a stream that is neither new nor open.
    mutating func fault(on id: Int32) -> HTTP2ErrorCode? {
        if skipped.contains(id) { return .protocolError }
        guard let place = excused.lastIndex(of: id) else { return .streamClosed }
        excused.remove(at: place)
        return nil
    }
}
