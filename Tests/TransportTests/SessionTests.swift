import Primitives
import TestSupport
import Testing
import Transport

/// What a stream was told, in order.
private final class Recorder: ByteStreamHandler {
    var stream: (any ByteStream)?
    var log: [String] = []
    var bytes: [UInt8] = []
    /// Whether received bytes are given back at once.
    var consumes = true
    var onHeaders: ((Recorder) -> Void)?

    func received(headers: HeaderBlock, endStream: Bool) {
        let names = headers.fields.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
        log.append("headers \(names)\(endStream ? " end" : "")")
        onHeaders?(self)
    }

    func received(bytes: RawSpan, endStream: Bool) {
        self.bytes += bytes.withUnsafeBytes { Array($0) }
        if consumes { stream?.consumed(bytes.byteCount) }
        if endStream { log.append("end") }
    }

    func received(trailers: HeaderBlock) {
        log.append("trailers " + trailers.fields.map { "\($0.name)=\($0.value)" }.joined())
    }

    func writable() {}

    func closed(_ code: HTTP2ErrorCode) {
        log.append("closed \(code.rawValue)")
        stream = nil
    }
}

private final class Acceptor: StreamAcceptor {
    var accepted: [Recorder] = []
    var prepare: (Recorder) -> Void = { _ in }

    func accept(_ stream: any ByteStream) -> any ByteStreamHandler {
        let recorder = Recorder()
        recorder.stream = stream
        prepare(recorder)
        accepted.append(recorder)
        return recorder
    }
}

/// A client's and a server's session, joined by two buffers.
private final class Pair {
    let acceptor = Acceptor()
    let client: Session
    let server: Session
    private var random: SeededGenerator
    let seed: UInt64

    init() {
        seed = UInt64.random(in: 0 ... .max)
        random = SeededGenerator(seed: seed)
        client = Session(loop: TestLoop(), role: .client)
        server = Session(loop: TestLoop(), role: .server(acceptor))
    }

    /// Carries bytes both ways, in pieces of any size, until nobody has more.
    func run() throws {
        while true {
            let there = try carry(from: client, to: server)
            let back = try carry(from: server, to: client)
            if !there && !back { return }
        }
    }

    private func carry(from: Session, to: Session) throws -> Bool {
        let writer = ByteWriter()
        _ = from.drain(into: writer)
        let bytes = writer.withUnsafeBytes { Array($0) }
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Int.random(in: 1...9_000, using: &random))
            try Array(bytes[start..<end]).withUnsafeBytes { try to.receive($0) }
            start = end
        }
        return !bytes.isEmpty
    }

    func open(_ fields: [HeaderBlock.Field] = [], endStream: Bool = false) -> Recorder {
        let recorder = Recorder()
        let stream = client.makeClientStream { _ in recorder }
        recorder.stream = stream
        let block = HeaderBlock(
            [
                .init(name: ":method", value: "POST"), .init(name: ":scheme", value: "http"),
                .init(name: ":path", value: "/a"), .init(name: ":authority", value: "b"),
            ] + fields
        )
        stream.send(headers: block, endStream: endStream)
        return recorder
    }
}

private let ok = HeaderBlock([.init(name: ":status", value: "200")])

@Suite
struct `Two sessions joined in memory` {
    @Test
    func `carry headers, data and trailers in order, however the bytes are cut`() throws {
        for _ in 0..<20 {
            let pair = Pair()
            let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
            pair.acceptor.prepare = { recorder in
                recorder.onHeaders = { recorder in
                    recorder.stream?.send(headers: ok, endStream: false)
                    recorder.stream?.outgoing.append(body.span.bytes)
                    recorder.stream?.flush(endStream: false)
                    recorder.stream?.send(
                        trailers: HeaderBlock([.init(name: "grpc-status", value: "0")])
                    )
                }
            }
            let call = pair.open()
            call.stream?.outgoing.append(body.span.bytes)
            call.stream?.flush(endStream: true)
            try pair.run()
            let served = try #require(pair.acceptor.accepted.first)
            #expect(
                served.log == [
                    "headers :method=POST :scheme=http :path=/a :authority=b", "end", "closed 0",
                ],
                "seed \(pair.seed)"
            )
            #expect(served.bytes == body, "seed \(pair.seed)")
            #expect(call.log == ["headers :status=200", "trailers grpc-status=0", "closed 0"])
            #expect(call.bytes == body, "seed \(pair.seed)")
            #expect(pair.client.streams.isEmpty && pair.server.streams.isEmpty)
        }
    }

    @Test
    func `hold a sender back while its reader takes nothing`() throws {
        let pair = Pair()
        pair.acceptor.prepare = { $0.consumes = false }
        let body = [UInt8](repeating: 7, count: 2 * Int(Limits.streamWindowBytes))
        let call = pair.open()
        call.stream?.outgoing.append(body.span.bytes)
        call.stream?.flush(endStream: true)
        try pair.run()
        let served = try #require(pair.acceptor.accepted.first)
        #expect(served.bytes.count == Int(Limits.streamWindowBytes))
        // Another stream has a window of its own.
        let other = pair.open(endStream: true)
        try pair.run()
        #expect(pair.acceptor.accepted.count == 2)
        _ = other
        served.consumes = true
        served.stream?.consumed(served.bytes.count)
        try pair.run()
        #expect(served.bytes == body)
        #expect(served.log.last == "end")
    }

    @Test
    func `give the connection's window back when a stream is reset`() throws {
        let pair = Pair()
        pair.acceptor.prepare = { $0.consumes = false }
        let body = [UInt8](repeating: 7, count: Int(Limits.streamWindowBytes))
        // Three times what the connection's window holds.
        for _ in 0..<3 * Int(Limits.connectionWindowBytes / Limits.streamWindowBytes) {
            let call = pair.open()
            call.stream?.outgoing.append(body.span.bytes)
            call.stream?.flush(endStream: false)
            try pair.run()
            #expect(pair.acceptor.accepted.last?.bytes.count == body.count)
            call.stream?.reset(.cancel)
            try pair.run()
            #expect(pair.acceptor.accepted.last?.log.last == "closed 8")
            #expect(call.log == ["closed 8"])
        }
        #expect(pair.server.streams.isEmpty && pair.client.streams.isEmpty)
    }

    @Test
    func `tell both sides of a reset once`() throws {
        let pair = Pair()
        pair.acceptor.prepare = { recorder in
            recorder.onHeaders = { $0.stream?.reset(.internalError) }
        }
        let call = pair.open()
        try pair.run()
        #expect(call.log == ["closed 2"])
        #expect(pair.acceptor.accepted.first?.log.filter { $0.hasPrefix("closed") } == ["closed 2"])
    }

    @Test
    func `end running streams in order after a goodbye, and take no new ones`() throws {
        let pair = Pair()
        let running = pair.open()
        try pair.run()
        pair.server.announceShutdown()
        try pair.run()
        #expect(pair.client.isPeerGoingAway)
        pair.server.goAway(.noError)
        try pair.run()
        let late = pair.open()
        try pair.run()
        #expect(late.log.count == 1 && late.log[0].hasPrefix("closed"))
        #expect(pair.acceptor.accepted.count == 1)
        let served = try #require(pair.acceptor.accepted.first)
        served.stream?.send(headers: ok, endStream: true)
        running.stream?.flush(endStream: true)
        try pair.run()
        #expect(running.log == ["headers :status=200 end", "closed 0"])
        #expect(pair.server.isFinished)
    }

    @Test
    func `reset only the stream whose headers are too many`() throws {
        let pair = Pair()
        let other = pair.open()
        let fields = (0..<Limits.headerFieldsMax).map {
            HeaderBlock.Field(name: "x-\($0)", value: "1")
        }
        let large = pair.open(fields, endStream: true)
        try pair.run()
        #expect(large.log.count == 1 && large.log[0].hasPrefix("closed"))
        #expect(pair.acceptor.accepted.count == 1)
        #expect(other.log.isEmpty)
    }

    @Test
    func `refuse streams above the bound and serve them when others have ended`() throws {
        let pair = Pair()
        var calls = (0..<Limits.streamsPerConnectionMax).map { _ in pair.open() }
        try pair.run()
        #expect(pair.acceptor.accepted.count == Limits.streamsPerConnectionMax)
        calls.append(pair.open(endStream: true))
        try pair.run()
        // The client knows the bound and waits.
        #expect(pair.acceptor.accepted.count == Limits.streamsPerConnectionMax)
        calls[0].stream?.reset(.cancel)
        try pair.run()
        #expect(pair.acceptor.accepted.count == Limits.streamsPerConnectionMax + 1)
    }

    @Test
    func `tell each stream its own headers, however often others say the same or nearly`() throws {
        let pair = Pair()
        var random = SeededGenerator(seed: pair.seed)
        var expected: [String] = []
        for _ in 0..<300 {
            let fields = (0..<Int.random(in: 0...5, using: &random)).map { place in
                HeaderBlock.Field(
                    name: "x-\(Bool.random(using: &random) ? place : place + 1)",
                    value: String(Int.random(in: 0...1, using: &random))
                )
            }
            _ = pair.open(fields, endStream: true)
            let shown = fields.map { " \($0.name)=\($0.value)" }.joined()
            expected.append(
                "headers :method=POST :scheme=http :path=/a :authority=b\(shown) end"
            )
            if Bool.random(using: &random) { try pair.run() }
        }
        try pair.run()
        #expect(pair.acceptor.accepted.map(\.log.first) == expected, "seed \(pair.seed)")
    }

    @Test
    func `find each of many streams, in whatever order the others end`() throws {
        let pair = Pair()
        var random = SeededGenerator(seed: pair.seed)
        var open: [(call: Recorder, served: Recorder, bytes: [UInt8])] = []
        for step in 0..<2_000 {
            if open.count < 40, Int.random(in: 0...2, using: &random) > 0 {
                let call = pair.open()
                try pair.run()
                open.append((call, try #require(pair.acceptor.accepted.last), []))
            } else if let place = open.indices.randomElement(using: &random) {
                if Bool.random(using: &random) {
                    let byte = UInt8(truncatingIfNeeded: step)
                    open[place].bytes.append(byte)
                    open[place].call.stream?.outgoing.append(byte)
                    open[place].call.stream?.flush(endStream: false)
                } else {
                    let ended = open.remove(at: place)
                    try pair.run()
                    ended.call.stream?.reset(.cancel)
                    try pair.run()
                    #expect(ended.served.bytes == ended.bytes, "seed \(pair.seed)")
                    #expect(ended.served.log.last == "closed 8")
                }
            }
        }
        try pair.run()
        #expect(pair.server.streams.count == open.count)
        for stream in open {
            #expect(stream.served.bytes == stream.bytes, "seed \(pair.seed)")
        }
    }

    @Test
    func `end at bytes that are no HTTP 2`() throws {
        let pair = Pair()
        #expect(throws: Session.Failure.self) {
            try Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8).withUnsafeBytes {
                try pair.server.receive($0)
            }
        }
        #expect(pair.acceptor.accepted.isEmpty)
    }
}

@Suite
struct `A session` {
    /// Has one call that is answered by `count` bytes; the server's stream of it.
    private func call(_ pair: Pair, answeredBy count: Int) throws -> ObjectIdentifier {
        var stream: ObjectIdentifier?
        pair.acceptor.prepare = { recorder in
            stream = recorder.stream.map { ObjectIdentifier($0) }
            recorder.onHeaders = { recorder in
                recorder.stream?.send(headers: ok, endStream: false)
                recorder.stream?.outgoing.appendZeros(count)
                recorder.stream?.flush(endStream: false)
                recorder.stream?.send(
                    trailers: HeaderBlock([.init(name: "grpc-status", value: "0")])
                )
            }
        }
        let call = pair.open(endStream: true)
        try pair.run()
        #expect(call.log == ["headers :status=200", "trailers grpc-status=0", "closed 0"])
        #expect(call.bytes.count == count)
        return try #require(stream)
    }

    @Test
    func `uses the stream of a call that is over for the next`() throws {
        let pair = Pair()
        let first = try call(pair, answeredBy: 300)
        #expect(try call(pair, answeredBy: 0) == first)
        #expect(try call(pair, answeredBy: 5_000) == first)
    }

    @Test
    func `leaves a stream alone that somebody still holds`() throws {
        let pair = Pair()
        var held: [any ByteStream] = []
        pair.acceptor.prepare = { held += [$0.stream].compactMap { $0 } }
        for _ in 0..<3 {
            let call = pair.open()
            try pair.run()
            call.stream?.reset(.cancel)
            try pair.run()
        }
        #expect(held.count == 3)
        #expect(Set(held.map { ObjectIdentifier($0) }).count == held.count)
        // Nothing that is said on one that is over reaches another call.
        for stream in held { stream.reset(.internalError) }
        _ = try call(pair, answeredBy: 10)
    }

    @Test
    func `keeps some memory of the calls before, and none while it rests`() throws {
        let pair = Pair()
        for _ in 0..<3 { _ = try call(pair, answeredBy: 300) }
        let kept = pair.server.keptBytes
        #expect(kept > 0)
        for _ in 0..<100 { _ = try call(pair, answeredBy: 300) }
        #expect(pair.server.keptBytes == kept)
        pair.server.rest()
        #expect(pair.server.keptBytes == 0)
        _ = try call(pair, answeredBy: 300)
    }

    @Test
    func `keeps no large buffer and no more than its bound`() throws {
        let pair = Pair()
        _ = try call(pair, answeredBy: 1_000_000)
        #expect(pair.server.keptBytes <= Limits.sessionBytesKept)
        pair.acceptor.prepare = { _ in }
        for _ in 0..<80 { _ = pair.open() }
        try pair.run()
        for recorder in pair.acceptor.accepted { recorder.stream?.reset(.cancel) }
        try pair.run()
        let most =
            Limits.sessionBytesKept + Limits.sessionStreamsKept * Limits.streamBytesKept
        #expect(pair.server.keptBytes > 0 && pair.server.keptBytes <= most)
    }
}
