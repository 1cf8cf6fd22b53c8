import Logging
import Primitives
import RPC
import Synchronization
import TestSupport
import Testing
import Transport

private func framed(_ messages: [[UInt8]]) -> [UInt8] {
    var bytes: [UInt8] = []
    for message in messages {
        bytes.append(0)
        for shift in [24, 16, 8, 0] {
            bytes.append(UInt8(truncatingIfNeeded: message.count >> shift))
        }
        bytes += message
    }
    return bytes
}

private func headers(_ path: String, _ more: [HeaderBlock.Field] = []) -> HeaderBlock {
    HeaderBlock(
        [
            .init(name: ":method", value: "POST"), .init(name: ":scheme", value: "http"),
            .init(name: ":path", value: path),
            .init(name: "content-type", value: "application/grpc"),
            .init(name: "te", value: "trailers"),
        ] + more
    )
}

@Suite
struct `A deframer` {
    @Test
    func `cuts the same messages however the bytes are split`() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let messages = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                (0..<Int.random(in: 0...40, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
            }
            let bytes = framed(messages)
            var deframer = MessageDeframer()
            var found: [[UInt8]] = []
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + Int.random(in: 1...20, using: &random))
                let chunk = Array(bytes[start..<end])
                var offset = 0
                reading: while true {
                    switch deframer.next(in: chunk.span.bytes, at: &offset) {
                    case .needsMore: break reading
                    case .whole(let range): found.append(Array(chunk[range]))
                    case .assembled:
                        found.append(deframer.assembly?.withUnsafeBytes { Array($0) } ?? [])
                    case .refused(let status):
                        Issue.record("\(status), seed \(seed)")
                        break reading
                    }
                }
                start = end
            }
            #expect(found == messages, "seed \(seed)")
            #expect(deframer.refusalAtEnd() == nil)
        }
    }

    @Test(
        arguments: [
            ([0, 0, 0x40, 0, 1], StatusCode.resourceExhausted),
            ([2, 0, 0, 0, 0], .internal), ([1, 0, 0, 0, 0], .internal),
        ] as [([UInt8], StatusCode)]
    )
    func `refuses a prefix that can't be right`(prefix: [UInt8], code: StatusCode) {
        var deframer = MessageDeframer()
        var offset = 0
        guard case .refused(let status) = deframer.next(in: prefix.span.bytes, at: &offset) else {
            Issue.record("taken")
            return
        }
        #expect(status.code == code)
    }
}

@Suite
struct `A timeout` {
    @Test(
        arguments: [
            ("1H", 3_600_000_000_000), ("2M", 120_000_000_000), ("3S", 3_000_000_000),
            ("4m", 4_000_000), ("5u", 5_000), ("6n", 6),
        ] as [(String, UInt64)]
    )
    func `is read in every unit`(text: String, nanoseconds: UInt64) {
        #expect(Timeout.parse(text) == nanoseconds)
    }

    @Test(arguments: ["", "1", "S", "123456789S", "-1S", "1s", " 1S"])
    func `is refused in any other form`(text: String) {
        #expect(Timeout.parse(text) == nil)
    }
}

/// One unary call over a stream in memory.
private struct Exchange {
    let loop = TestLoop()
    let stream: TestStream
    let handler: any ByteStreamHandler

    init(path: String = "/t.S/M", _ serve: @escaping Router.MessageHandler) {
        var router = Router()
        router.unary("/t.S/M", serve)
        stream = TestStream(loop: loop)
        handler = ServerDispatcher(router: router).makeAcceptor().accept(stream)
    }

    func send(_ message: [UInt8], _ block: HeaderBlock = headers("/t.S/M")) {
        handler.received(headers: block, endStream: false)
        handler.received(bytes: framed([message]).span.bytes, endStream: true)
    }

    var status: Status? { stream.trailers.flatMap { Status(decoding: $0) } }
    var answer: [UInt8] { stream.outgoing.withUnsafeBytes { Array($0) } }
}

@Suite
struct `A unary call` {
    @Test
    func `is answered with headers, message and trailers`() {
        let exchange = Exchange { message, call in
            let copy = message.withUnsafeBytes { Array($0) }
            call.reply { $0.append(copy.reversed().span.bytes) }
        }
        exchange.send([1, 2, 3])
        #expect(exchange.stream.headers?.first(":status") == "200")
        #expect(exchange.answer == framed([[3, 2, 1]]))
        #expect(exchange.status == .ok)
        #expect(exchange.stream.consumedCount == 8)
    }

    @Test
    func `fails with trailers only`() {
        let exchange = Exchange { _, call in
            call.fail(Status(.notFound, "no ä", details: [1, 2]))
        }
        exchange.send([])
        #expect(exchange.stream.isEnded)
        #expect(exchange.status == Status(.notFound, "no ä", details: [1, 2]))
        #expect(exchange.stream.trailers?.first("grpc-message") == "no %C3%A4")
        #expect(exchange.answer.isEmpty)
    }

    @Test
    func `ends at its deadline and tells its handler`() {
        let wasCancelled = Mutex(false)
        let exchange = Exchange { _, call in
            call.onCancel { wasCancelled.withLock { $0 = true } }
        }
        exchange.send([], headers("/t.S/M", [.init(name: "grpc-timeout", value: "50m")]))
        exchange.loop.advance(milliseconds: 40)
        #expect(exchange.status == nil)
        exchange.loop.advance(milliseconds: 20)
        #expect(exchange.status?.code == .deadlineExceeded)
        #expect(wasCancelled.withLock { $0 })
    }

    @Test
    func `is completed from another thread, and not when it is over`() {
        let handles = Mutex<[CallHandle]>([])
        let exchange = Exchange { _, call in
            let handle = call.handle
            handles.withLock { $0.append(handle) }
        }
        exchange.send([])
        let handle = handles.withLock { $0[0] }
        handle.complete { call in call.reply { $0.append(UInt8(7)) } }
        handle.complete { call in call.reply { $0.append(UInt8(8)) } }
        #expect(exchange.status == nil)
        exchange.loop.runPosted()
        #expect(exchange.answer == framed([[7]]))
    }

    @Test
    func `is told of a client that left`() {
        let wasCancelled = Mutex(false)
        let exchange = Exchange { _, call in
            call.onCancel { wasCancelled.withLock { $0 = true } }
        }
        exchange.send([])
        exchange.handler.closed(.cancel)
        #expect(wasCancelled.withLock { $0 })
    }

    @Test
    func `takes exactly one message`() {
        let exchange = Exchange { _, call in call.reply { _ in } }
        exchange.handler.received(headers: headers("/t.S/M"), endStream: false)
        exchange.handler.received(bytes: framed([[1], [2]]).span.bytes, endStream: true)
        #expect(exchange.status?.code == .internal)
        let empty = Exchange { _, call in call.reply { _ in } }
        empty.handler.received(headers: headers("/t.S/M"), endStream: true)
        #expect(empty.status?.code == .internal)
    }

    @Test(arguments: [
        ("/t.S/Other", "unknown method 'Other' of service 't.S'"),
        ("/x.Y/Z", "unknown service in '/x.Y/Z'"),
    ])
    func `of an unknown method is unimplemented`(path: String, message: String) {
        let exchange = Exchange { _, _ in }
        exchange.send([], headers(path))
        #expect(exchange.status == Status(.unimplemented, message))
    }

    @Test
    func `that is not gRPC gets an HTTP answer`() {
        let exchange = Exchange { _, _ in }
        exchange.handler.received(
            headers: HeaderBlock([
                .init(name: ":method", value: "GET"), .init(name: ":path", value: "/t.S/M"),
            ]),
            endStream: true
        )
        #expect(exchange.stream.headers?.first(":status") == "405")
    }
}

/// Sends every message back; ends the call at one that begins with 0xFF.
private final class Echo: StreamingCallHandler {
    private let call: ServerCall

    init(_ call: ServerCall) {
        self.call = call
    }

    func received(message: RawSpan) {
        let copy = message.withUnsafeBytes { Array($0) }
        if copy.first == 0xFF { return call.fail(Status(.aborted, "enough")) }
        call.respond { $0.append(copy.span.bytes) }
    }

    func halfClosed() {
        call.finish()
    }
}

@Suite
struct `A server and a client on loopback` {
    @Test
    func `exchange a thousand calls at once, and large messages`() async throws {
        var router = Router()
        router.unary("/t.S/Echo") { message, call in
            let copy = message.withUnsafeBytes { Array($0) }
            call.reply { $0.append(copy.span.bytes) }
        }
        let dispatcher = ServerDispatcher(router: router)
        let transport = try ServerTransport(
            listening: [try SocketAddress(parsing: "127.0.0.1:0")],
            reactorCount: 2,
            logger: Logger(label: "test")
        ) { _ in dispatcher.makeAcceptor() }
        let channel = try ClientChannel(to: transport.boundAddresses[0])
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<1_000 {
                let size = index % 100 == 0 ? 1_500_000 : index
                group.addTask {
                    let body = [UInt8](repeating: UInt8(index % 251), count: size)
                    let answer = try await channel.unary("/t.S/Echo") {
                        $0.append(body.span.bytes)
                    }
                    return answer == body
                }
            }
            for try await isEqual in group { #expect(isEqual) }
        }
        await #expect(throws: Status.self) {
            _ = try await channel.unary("/t.S/None") { _ in }
        }
        channel.close()
        transport.stop()
        #expect(dispatcher.callsInFlight == 0)
    }

    /// Four bodies that no window stops and that no one turn sends: nothing but the sender itself
    /// can go on with the rest.
    @Test
    func `send what is more than one turn puts out`() async throws {
        let body = [UInt8](repeating: 7, count: 2 * Limits.connectionOutputBytesMax / 5)
        var router = Router()
        router.unary("/t.S/Count") { message, call in
            let count = message.byteCount
            call.reply { $0.append(UInt8(count == body.count ? 1 : 0)) }
        }
        let dispatcher = ServerDispatcher(router: router)
        let transport = try ServerTransport(
            listening: [try SocketAddress(parsing: "127.0.0.1:0")],
            reactorCount: 1,
            logger: Logger(label: "test")
        ) { _ in dispatcher.makeAcceptor() }
        for _ in 0..<10 {
            let channel = try ClientChannel(to: transport.boundAddresses[0])
            try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await channel.unary("/t.S/Count", timeoutMS: 20_000) {
                            $0.append(body.span.bytes)
                        }
                    }
                }
                for try await answer in group { #expect(answer == [1]) }
            }
            channel.close()
        }
        transport.stop()
    }

    @Test
    func `exchange messages of one call both ways, and the last word is the server's`()
        async throws
    {
        var router = Router()
        router.bidirectional("/t.S/Both") { call in Echo(call) }
        let dispatcher = ServerDispatcher(router: router)
        let transport = try ServerTransport(
            listening: [try SocketAddress(parsing: "127.0.0.1:0")],
            reactorCount: 1,
            logger: Logger(label: "test")
        ) { _ in dispatcher.makeAcceptor() }
        let channel = try ClientChannel(to: transport.boundAddresses[0])

        let stream = channel.stream("/t.S/Both")
        let sizes = (0..<300).map { $0 % 40 == 0 ? 700_000 : $0 * 10 }
        let sending = Task {
            for size in sizes {
                let body = [UInt8](repeating: UInt8(size % 200), count: size)
                try await stream.send { $0.append(body.span.bytes) }
            }
            stream.finish()
        }
        for size in sizes {
            let answer = try await stream.next()
            #expect(answer == [UInt8](repeating: UInt8(size % 200), count: size))
        }
        #expect(try await stream.next() == nil)
        try await sending.value

        let refused = channel.stream("/t.S/Both")
        try await refused.send { $0.append([UInt8(0xFF)].span.bytes) }
        await #expect(throws: Status(.aborted, "enough")) { _ = try await refused.next() }
        await #expect(throws: Status(.aborted, "enough")) { try await refused.send { _ in } }

        let given = channel.stream("/t.S/Both")
        try await given.send { $0.append([UInt8(1)].span.bytes) }
        #expect(try await given.next() == [1])
        given.cancel()
        await #expect(throws: Status.self) { _ = try await given.next() }
        channel.close()
        transport.stop()
    }

    @Test
    func `pack their messages when the client wants it`() async throws {
        var router = Router()
        router.unary("/t.S/Echo") { message, call in
            let copy = message.withUnsafeBytes { Array($0) }
            call.reply { $0.append(copy.span.bytes) }
        }
        router.bidirectional("/t.S/Both") { call in Echo(call) }
        let dispatcher = ServerDispatcher(router: router)
        let transport = try ServerTransport(
            listening: [try SocketAddress(parsing: "127.0.0.1:0")],
            reactorCount: 1,
            logger: Logger(label: "test")
        ) { _ in dispatcher.makeAcceptor() }
        let channel = try ClientChannel(to: transport.boundAddresses[0], compresses: true)
        let stream = channel.stream("/t.S/Both")
        for size in [0, 10, 2_000, 2_000_000] {
            let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 / 100) }
            #expect(try await channel.unary("/t.S/Echo") { $0.append(body.span.bytes) } == body)
            try await stream.send { $0.append(body.span.bytes) }
            #expect(try await stream.next() == body)
        }
        stream.finish()
        #expect(try await stream.next() == nil)
        channel.close()
        transport.stop()
    }

    @Test
    func `says that nobody listens`() async throws {
        let channel = try ClientChannel(to: try SocketAddress(parsing: "127.0.0.1:1"))
        do {
            _ = try await channel.unary("/t.S/Echo", timeoutMS: 5_000) { _ in }
            Issue.record("answered")
        } catch {
            #expect(error.code == .unavailable)
            #expect(error.message.contains("127.0.0.1:1"))
        }
        channel.close()
    }
}
