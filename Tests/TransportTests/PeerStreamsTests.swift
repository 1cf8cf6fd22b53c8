import Primitives
import Testing

@testable import Transport

/// What the blocks on `ids` are, one after the other.
private func faults(_ streams: inout PeerStreams, _ ids: [Int32]) -> [HTTP2ErrorCode?] {
    ids.map { streams.fault(on: $0) }
}

private func open(_ streams: inout PeerStreams, _ ids: [Int32]) -> [Bool] {
    ids.map { streams.opens($0) }
}

@Suite
struct `Streams of a client` {
    @Test
    func `open by numbers that grow`() {
        var streams = PeerStreams()
        let opened = open(&streams, [1, 3, 9, .max, 1, 5, .max])
        #expect(opened == [true, true, true, true, false, false, false])
    }

    @Test
    func `have no header block behind their end`() {
        var streams = PeerStreams()
        _ = open(&streams, [1])
        let found = faults(&streams, [1])
        #expect(found == [.streamClosed])
    }

    @Test
    func `are not opened behind later ones`() {
        var streams = PeerStreams()
        _ = open(&streams, [1, 9])
        let found = faults(&streams, [3, 5, 7, 1])
        #expect(found == [.protocolError, .protocolError, .protocolError, .streamClosed])
    }

    @Test
    func `may get one late block when they were reset`() {
        var streams = PeerStreams()
        _ = open(&streams, [1])
        streams.excuse(1)
        let found = faults(&streams, [1, 1])
        #expect(found == [nil, .streamClosed])
    }

    @Test
    func `are forgotten when there are too many`() {
        var streams = PeerStreams()
        for index in 0...Limits.streamsPerConnectionMax {
            _ = open(&streams, [Int32(2 * index + 1)])
            streams.excuse(Int32(2 * index + 1))
        }
        let found = faults(&streams, [1, 3])
        #expect(found == [.streamClosed, nil])
    }
}
