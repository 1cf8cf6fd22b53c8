import Primitives
import RPC
import TestSupport
import Testing
import Transport

@Suite
struct `Admission` {
    private let loop = TestLoop()
    private let admission = AdmissionControl(callsMax: 2, overloadDelayMS: 40)

    /// A call that stays open; how it was refused, if it was.
    private func call(
        _ path: String = "/t.S/M",
        on connection: ConnectionShare = ConnectionShare()
    ) -> (Status?, any ByteStreamHandler) {
        var router = Router()
        for path in ["/t.S/M", "/grpc.health.v1.Health/Check"] { router.unary(path) { _, _ in } }
        let stream = TestStream(loop: loop, shared: connection)
        let handler = ServerDispatcher(router: router, interceptors: [admission])
            .makeAcceptor().accept(stream)
        handler.received(
            headers: HeaderBlock([
                .init(name: ":method", value: "POST"), .init(name: ":path", value: path),
                .init(name: "content-type", value: "application/grpc"),
            ]),
            endStream: false
        )
        return (stream.trailers.flatMap { Status(decoding: $0) }, handler)
    }

    @Test
    func `refuses calls above the bound until others have ended`() {
        let first = call()
        let second = call()
        #expect(first.0 == nil && second.0 == nil)
        #expect(call().0?.code == .resourceExhausted)
        #expect(call("/grpc.health.v1.Health/Check").0 == nil)
        #expect(admission.callsRefused == 1)
        first.1.closed(.cancel)
        second.1.closed(.cancel)
        #expect(call().0 == nil)
    }

    @Test
    func `leaves room for other addresses`() {
        admission.set(callsMax: 10, callsPerAddressMax: 2, overloadDelayMS: 40)
        let address = OriginCalls()
        func one() -> (Status?, any ByteStreamHandler) {
            call(on: ConnectionShare(originCalls: address))
        }
        let first = one()
        #expect(first.0 == nil && one().0 == nil)
        #expect(one().0?.message == "2 calls of this address are in flight, which is the limit")
        #expect(call().0 == nil)
        first.1.closed(.cancel)
        #expect(one().0 == nil)
        #expect(one().0?.code == .resourceExhausted)
    }

    @Test
    func `answers health beside the calls, for each connection a few at a time`() {
        let path = "/grpc.health.v1.Health/Check"
        let connection = ConnectionShare()
        let checks = (0..<Limits.healthCallsPerConnectionMax).map { _ in
            call(path, on: connection)
        }
        #expect(checks.allSatisfy { $0.0 == nil })
        #expect(call(path, on: connection).0?.code == .resourceExhausted)
        #expect(call(path).0 == nil)
        #expect(call().0 == nil && admission.callsInFlight == 1)
        checks[0].1.closed(.cancel)
        #expect(call(path, on: connection).0 == nil)
        #expect(call(path, on: connection).0?.code == .resourceExhausted)
    }

    @Test(arguments: [(0, true), (40, true), (41, false)] as [(UInt64, Bool)])
    func `refuses calls that have waited too long`(waitMS: UInt64, isTaken: Bool) {
        loop.standingWaitNanoseconds = waitMS * 1_000_000
        #expect(call().0?.code == (isTaken ? nil : .unavailable))
        #expect(call("/grpc.health.v1.Health/Check").0 == nil)
    }

    @Test
    func `looks again before the work begins`() {
        let early = TestStream(loop: loop)
        var router = Router()
        router.unary("/t.S/M") { _, call in call.reply { _ in } }
        let handler = ServerDispatcher(router: router, interceptors: [admission])
            .makeAcceptor().accept(early)
        handler.received(
            headers: HeaderBlock([
                .init(name: ":method", value: "POST"), .init(name: ":path", value: "/t.S/M"),
                .init(name: "content-type", value: "application/grpc"),
            ]),
            endStream: false
        )
        loop.standingWaitNanoseconds = 41_000_000
        let message: [UInt8] = [0, 0, 0, 0, 0]
        handler.received(bytes: message.span.bytes, endStream: true)
        #expect(early.trailers.flatMap { Status(decoding: $0) }?.code == .unavailable)
        #expect(admission.callsInFlight == 0 && admission.callsRefused == 1)
    }

    @Test
    func `follows its settings`() {
        loop.standingWaitNanoseconds = 100_000_000
        admission.set(callsMax: 10, callsPerAddressMax: 10, overloadDelayMS: 0)
        #expect((0..<10).allSatisfy { _ in call().0 == nil })
        #expect(call().0?.code == .resourceExhausted)
    }
}
