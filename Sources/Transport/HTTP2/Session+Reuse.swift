import Primitives

/// Memory that a session's next calls use again.
extension Session {
    /// A stream that has not been opened yet.
    func makeStream() -> HTTP2Stream {
        guard let stream = spareStreams.popLast() else { return HTTP2Stream(in: self) }
        stream.begin(in: self)
        return stream
    }

    /// Keeps a closed stream for the next one, unless somebody else still holds it.
    func keep(_ stream: inout HTTP2Stream?) {
        guard spareStreams.count < Limits.sessionStreamsKept,
            isKnownUniquelyReferenced(&stream), let stream,
            stream.outgoing.capacity <= Limits.streamBytesKept
        else { return }
        spareStreams.append(stream)
    }

    /// Bytes that are kept for the next calls.
    package var keptBytes: Int {
        spareStreams.reduce(blocks.keptBytes) { $0 + $1.outgoing.capacity }
    }

    /// Nothing has happened for a while: gives up what is kept.
    package func rest() {
        guard streams.isEmpty else { return }
        spareStreams = []
        blocks.trim()
    }
}
