import Primitives
import RPC
import TestSupport
import Testing
import Transport

private func packed(_ bytes: [UInt8]) -> [UInt8] {
    let writer = ByteWriter()
    GzipDeflater().deflate(bytes.span.bytes, into: writer)
    return writer.withUnsafeBytes { Array($0) }
}

private func framed(_ message: [UInt8], flag: UInt8) -> [UInt8] {
    let size = message.count
    return [flag] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) } + message
}

@Suite
struct `Gzip` {
    @Test(arguments: [0, 1, 1_000, 65_536, 300_000])
    func `gives back what was packed`(size: Int) throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let bytes = (0..<size).map { _ in UInt8.random(in: 0...7, using: &random) }
        let inflater = GzipInflater()
        // Twice: the state of one message must not leak into the next.
        for _ in 0..<2 {
            try inflater.inflate(packed(bytes).span.bytes, bytesMax: size)
            #expect(inflater.output.withUnsafeBytes { Array($0) } == bytes, "seed \(seed)")
        }
    }

    @Test
    func `stops at the bound without unpacking more`() {
        let bomb = packed([UInt8](repeating: 0, count: 30_000_000))
        let inflater = GzipInflater()
        #expect(throws: GzipInflater.Failure.tooLarge) {
            try inflater.inflate(bomb.span.bytes, bytesMax: 1_000_000)
        }
        #expect(inflater.output.count <= 1_000_000 + 65_536)
    }

    @Test
    func `refuses whatever is damaged`() {
        let good = packed(Array(0..<200))
        var flipped = good
        flipped[good.count - 6] ^= 1
        let inflater = GzipInflater()
        let cases: [[UInt8]] = [
            [], [1, 2, 3], Array(good.dropLast()), Array(good.prefix(12)), good + [0],
            good + good, flipped,
        ]
        for bytes in cases {
            #expect(throws: GzipInflater.Failure.damaged, "\(bytes.count) bytes") {
                try inflater.inflate(bytes.span.bytes, bytesMax: 1_000)
            }
        }
    }
}

@Suite
struct `A call with packed messages` {
    private let loop = TestLoop()

    /// Sends one message to an echo; what came back.
    private func exchange(
        _ body: [UInt8],
        encoding: String = "gzip",
        accepts: String? = "identity,deflate, gzip"
    ) -> TestStream {
        var router = Router()
        router.unary("/t.S/M") { message, call in
            let copy = message.withUnsafeBytes { Array($0) }
            call.reply { $0.append(copy.span.bytes) }
        }
        let stream = TestStream(loop: loop)
        let handler = ServerDispatcher(router: router).makeAcceptor().accept(stream)
        var block = HeaderBlock([
            .init(name: ":method", value: "POST"), .init(name: ":scheme", value: "http"),
            .init(name: ":path", value: "/t.S/M"),
            .init(name: "content-type", value: "application/grpc"),
            .init(name: "grpc-encoding", value: encoding),
        ])
        if let accepts { block.add("grpc-accept-encoding", accepts) }
        handler.received(headers: block, endStream: false)
        handler.received(bytes: body.span.bytes, endStream: true)
        return stream
    }

    private func answer(_ stream: TestStream) -> [UInt8] {
        stream.outgoing.withUnsafeBytes { Array($0) }
    }

    private func status(_ stream: TestStream) -> Status? {
        stream.trailers.flatMap { Status(decoding: $0) }
    }

    @Test
    func `is answered with packed messages`() throws {
        let body = [UInt8](repeating: 9, count: 5_000)
        let stream = exchange(framed(packed(body), flag: 1))
        #expect(status(stream) == .ok)
        #expect(stream.headers?.first("grpc-encoding") == "gzip")
        let found = answer(stream)
        #expect(found.first == 1 && found.count < 500)
        let inflater = GzipInflater()
        try inflater.inflate(Array(found.dropFirst(5)).span.bytes, bytesMax: 5_000)
        #expect(inflater.output.withUnsafeBytes { Array($0) } == body)
    }

    @Test
    func `leaves small and stubborn messages as they are`() {
        var random = SeededGenerator(seed: 7)
        let noise = (0..<5_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        for body in [[1, 2, 3], noise] {
            #expect(answer(exchange(framed(packed(body), flag: 1))) == framed(body, flag: 0))
        }
    }

    @Test
    func `is answered plainly when the client reads no gzip, or packs nothing`() {
        let body = [UInt8](repeating: 9, count: 5_000)
        for stream in [
            exchange(framed(packed(body), flag: 1), accepts: nil),
            exchange(framed(body, flag: 0), encoding: "identity"),
        ] {
            #expect(stream.headers?.first("grpc-encoding") == nil)
            #expect(stream.headers?.first("grpc-accept-encoding") == "identity, gzip")
            #expect(answer(stream) == framed(body, flag: 0))
        }
    }

    @Test
    func `is refused when a message unpacks to more than a message may be`() {
        let bomb = packed([UInt8](repeating: 0, count: Limits.messageBytesMax + 1))
        let stream = exchange(framed(bomb, flag: 1))
        #expect(status(stream)?.code == .resourceExhausted)
        #expect(status(stream)?.message.contains("4194304") == true)
    }

    @Test
    func `is refused when its message is damaged or its encoding unknown`() {
        #expect(status(exchange(framed([1, 2, 3], flag: 1)))?.code == .internal)
        let unknown = status(exchange(framed([1, 2, 3], flag: 1), encoding: "br"))
        #expect(unknown?.code == .unimplemented)
        #expect(status(exchange(framed([1], flag: 1), encoding: "identity"))?.code == .internal)
    }
}
