import Primitives
import RPC

/// `grpc.testing.TestService`: does what the interoperability tests of gRPC ask of a server.
enum TestService {
    static func add(to router: inout Router) {
        let prefix = "/grpc.testing.TestService/"
        router.unary(prefix + "EmptyCall") { _, call in
            echoMetadata(call)
            call.reply { _ in }
        }
        router.unary(prefix + "UnaryCall") { message, call in unary(message, call) }
        router.clientStreaming(prefix + "StreamingInputCall") { call in Sum(call) }
        router.serverStreaming(prefix + "StreamingOutputCall") { message, call in
            let answers = Answers(call)
            answers.received(message: message)
            answers.halfClosed()
            return answers
        }
        router.bidirectional(prefix + "FullDuplexCall") { call in Answers(call) }
        router.bidirectional(prefix + "HalfDuplexCall") { call in Answers(call, waits: true) }
    }

    /// Sends back what the client wants to see again.
    static func echoMetadata(_ call: ServerCall) {
        let initial = "x-grpc-test-echo-initial"
        let trailing = "x-grpc-test-echo-trailing-bin"
        if let text = call.metadata.text(initial) {
            _ = call.initialMetadata.add(initial, text: text)
        }
        for bytes in call.metadata.binaries(trailing) ?? [] {
            call.trailingMetadata.add(trailing, binary: bytes)
        }
    }

    private static func unary(_ message: RawSpan, _ call: ServerCall) {
        let request = InputRequest(simple: message)
        echoMetadata(call)
        if let refusal = packing(request, call) { return call.fail(refusal) }
        if let status = request.status, let failure = failure(status) { return call.fail(failure) }
        guard request.responseBytes >= 0 else {
            return call.fail(Status(.invalidArgument, "response_size is negative"))
        }
        call.compressesAnswers = request.isAnswerPacked
        call.reply { $0.payload(request.responseBytes) }
    }

    /// Whether the client said otherwise than it did.
    static func packing(_ request: InputRequest, _ call: ServerCall) -> Status? {
        guard let said = request.isSaidPacked, said != call.isMessageCompressed else { return nil }
        return Status(.invalidArgument, "expect_compressed is \(said); the message is otherwise")
    }

    static func failure(_ status: EchoStatus) -> Status? {
        let code = StatusCode(rawValue: UInt8(truncatingIfNeeded: status.code)) ?? .unknown
        return code == .ok ? nil : Status(code, status.message)
    }
}

/// Adds up the sizes of what it is sent.
private final class Sum: StreamingCallHandler {
    private let call: ServerCall
    private var total = 0

    init(_ call: ServerCall) {
        self.call = call
        TestService.echoMetadata(call)
    }

    func received(message: RawSpan) {
        let request = InputRequest(streaming: message)
        if let refusal = TestService.packing(request, call) { return call.fail(refusal) }
        total += request.payloadBytes
    }

    func halfClosed() {
        let total = total
        call.reply { $0.number(total) }
    }
}

/// Sends the answers that it is asked for, in order, each after its pause.
private final class Answers: StreamingCallHandler {
    private let call: ServerCall
    /// Whether nothing is sent before the client has ended its side.
    private let waits: Bool
    private var queue: [OutputRequest.Answer] = []
    private var hasHalfClosed = false
    private var isPausing = false

    init(_ call: ServerCall, waits: Bool = false) {
        self.call = call
        self.waits = waits
        // The headers must offer gzip before anybody asks for a packed message.
        call.compressesAnswers = true
        TestService.echoMetadata(call)
    }

    func received(message: RawSpan) {
        let request = OutputRequest(message)
        if let status = request.status, let failure = TestService.failure(status) {
            return call.fail(failure)
        }
        queue += request.answers
        goOn()
    }

    func halfClosed() {
        hasHalfClosed = true
        goOn()
    }

    func writable() { goOn() }

    private func goOn() {
        guard !isPausing, hasHalfClosed || !waits else { return }
        while let next = queue.first, call.canWrite {
            if next.intervalMicroseconds > 0 {
                queue[0].intervalMicroseconds = 0
                isPausing = true
                call.schedule(afterNanoseconds: UInt64(next.intervalMicroseconds) * 1_000) {
                    [weak self] in
                    self?.isPausing = false
                    self?.goOn()
                }
                return
            }
            queue.removeFirst()
            call.respond(isPlain: !next.isPacked) { $0.payload(max(next.bytes, 0)) }
        }
        if queue.isEmpty, hasHalfClosed { call.finish() }
    }
}
