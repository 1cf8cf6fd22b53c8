import Primitives
import RPC
import Synchronization
import TestSupport
import Testing
import Transport

private func headers(_ more: [HeaderBlock.Field] = []) -> HeaderBlock {
    HeaderBlock(
        [
            .init(name: ":method", value: "POST"), .init(name: ":scheme", value: "http"),
            .init(name: ":path", value: "/t.S/M"),
            .init(name: "content-type", value: "application/grpc"),
            .init(name: "te", value: "trailers"),
        ] + more
    )
}

/// Names whoever asks.
private final class Doorman: Interceptor {
    func begin(_ call: ServerCall) -> Status? {
        call.authenticate(as: .token(name: "guest"))
        return nil
    }

    func end(_ call: ServerCall, _ status: Status) {}
}

private final class Flag: Sendable {
    let isSet = Atomic<Bool>(false)
}

/// One acceptor whose calls are served by `serve`.
private final class Desk {
    let loop = TestLoop()
    let acceptor: CallAcceptor

    init(_ serve: @escaping Router.MessageHandler) {
        var router = Router()
        router.unary("/t.S/M", serve)
        acceptor = ServerDispatcher(router: router, interceptors: [Doorman()]).makeAcceptor()
    }

    /// Has a call that says and hears much, from its headers to the end of its stream.
    func serveOne() -> ObjectIdentifier {
        let stream = TestStream(loop: loop)
        let call = acceptor.accept(stream)
        call.received(
            headers: headers([
                .init(name: "grpc-timeout", value: "1S"),
                .init(name: "grpc-accept-encoding", value: "gzip"),
                .init(name: "x-request-id", value: "mine"),
            ]),
            endStream: false
        )
        // The message comes in two pieces, its end after both.
        call.received(bytes: ([0, 0, 0, 0, 2, 7] as [UInt8]).span.bytes, endStream: false)
        call.received(bytes: ([8] as [UInt8]).span.bytes, endStream: false)
        call.received(bytes: RawSpan(), endStream: true)
        call.closed(.noError)
        return ObjectIdentifier(call)
    }
}

/// What is stored in a call, by name, without what every call has of its own.
private func stored(_ call: any ByteStreamHandler) -> [String: String] {
    let own = ["generation", "stream", "acceptor", "startedNanoseconds", "context", "dispatcher"]
    var values: [String: String] = [:]
    for case (let name?, let value) in Mirror(reflecting: call).children where !own.contains(name) {
        values[name] = String(describing: value)
    }
    return values
}

@Suite
struct `A call's memory` {
    @Test
    func `is another call's once nobody holds it`() {
        let desk = Desk { _, call in call.reply { $0.append(1) } }
        let first = desk.serveOne()
        #expect(desk.serveOne() == first)
    }

    @Test
    func `is left alone while somebody holds the call`() {
        var held: ServerCall?
        let desk = Desk { _, call in call.reply { $0.append(1) } }
        let stream = TestStream(loop: desk.loop)
        held = desk.acceptor.accept(stream) as? ServerCall
        held?.received(headers: headers(), endStream: false)
        held?.closed(.cancel)
        let next = desk.acceptor.accept(TestStream(loop: desk.loop))
        #expect(held !== next)
        #expect(held?.isCancelled == true)
    }

    @Test
    func `tells nothing of the call before`() throws {
        let desk = Desk { _, call in
            call.initialMetadata.add("some-bin", binary: [])
            call.reply { $0.append(1) }
        }
        let first = desk.serveOne()
        let used = desk.acceptor.accept(TestStream(loop: desk.loop))
        #expect(ObjectIdentifier(used) == first)
        let fresh = Desk { _, _ in }.acceptor.accept(TestStream(loop: TestLoop()))
        #expect(stored(used) == stored(fresh))
        let call = try #require(used as? ServerCall)
        #expect(call.context.principal == .anonymous)
        #expect(call.context.deadline == nil)
        #expect(call.context.requestID == "0-0-2")
        #expect(call.header("x-request-id") == nil)
    }

    @Test
    func `runs nothing that was scheduled by the call before`() {
        let flag = Flag()
        let desk = Desk { _, call in
            call.schedule(afterNanoseconds: 1_000_000_000) {
                flag.isSet.store(true, ordering: .relaxed)
            }
            call.reply { $0.append(1) }
        }
        let first = desk.serveOne()
        let next = desk.acceptor.accept(TestStream(loop: desk.loop))
        #expect(ObjectIdentifier(next) == first)
        desk.loop.advance(milliseconds: 2_000)
        let hasRun = flag.isSet.load(ordering: .relaxed)
        #expect(!hasRun)
    }
}
