package import Primitives
package import Transport

/// One call as a service sees it, from its headers to its trailers.
///
/// Confined to its stream's loop; other threads hold a `handle`. It lets go of stream, timer and
/// closures when it is over, after which every method does nothing. A reactor uses the memory of a
/// call that nobody holds any more for another one, see `CallAcceptor`.
package final class ServerCall {
    /// What the request's headers say; `nil` until they were read.
    private var request: ServerRequest?

    /// The `:path` of the request.
    package var path: String { request?.path ?? "" }

    /// Whether the call asks for the server's health.
    var isAboutHealth: Bool { request?.isAboutHealth ?? false }

    /// When the request's headers arrived, on the monotonic clock.
    package private(set) var startedNanoseconds: UInt64 = 0

    /// What to send besides gRPC's own fields; the first answer carries it.
    package var initialMetadata = Metadata()

    /// What to send with the status.
    package var trailingMetadata = Metadata()

    /// Whether messages are packed if the client reads gzip.
    ///
    /// By default when the client packs its own; fixed by the first message.
    package var compressesAnswers = false

    package private(set) var context: CallContext

    /// Who may do what by this call, once an interceptor knows.
    package internal(set) var access = CallAccess()

    var state: ServerCallState?
    var deframer: MessageDeframer
    var handler: (any StreamingCallHandler)?
    /// The one message of a call, until the client has ended its side.
    var kept: ByteWriter?
    var method: Router.Method? { request?.method }
    /// Which of the router's paths this is; `nil` for one that is not served.
    package var methodIndex: Int? { request?.method?.index }
    /// Bytes of all messages so far, as they were on the wire.
    package internal(set) var receivedBytes = 0
    package private(set) var sentBytes = 0
    /// When the call was over, on the monotonic clock; 0 before.
    package private(set) var endedNanoseconds: UInt64 = 0
    /// When its only message was whole, and for how long the loop had been busy with others then;
    /// `nil` while nobody wants to know.
    var messageTime: (nanoseconds: UInt64, waitedNanoseconds: UInt64)?
    let dispatcher: ServerDispatcher
    let loop: any EventLoop
    /// What it shares with the other calls of its connection, until its stream is gone.
    private(set) var connection: ConnectionShare?

    /// Received bytes not yet given back to the client, while reading is paused.
    private var withheldBytes = 0
    /// What of unfinished messages is charged to the budgets.
    private var heldBytes = 0
    private var isReadingPaused = false

    private(set) var stream: (any ByteStream)?
    private var received = HeaderBlock()
    private var extraTrailers: [HeaderBlock.Field] = []
    private var cancelHook: (() -> Void)?
    private var deadlineTimer: TimerToken?
    private var admittedCount = 0
    private var isEchoingRequestID: Bool { request?.identity != nil }
    private var acceptsGzip: Bool { request?.acceptsGzip ?? false }
    /// Who is given the call when its stream is gone; `nil` while it lies there.
    private var acceptor: CallAcceptor?
    /// How many calls this has been.
    private var generation = 0

    /// A call of nobody; `open` comes next.
    init(dispatcher: ServerDispatcher, loop: any EventLoop) {
        self.dispatcher = dispatcher
        self.loop = loop
        context = CallContext(clock: dispatcher.clock, identity: .none)
        deframer = MessageDeframer(messageBytesMax: dispatcher.messageBytesMax)
    }

    /// Is the call of a new stream.
    func open(on stream: any ByteStream, _ acceptor: CallAcceptor, identity: RequestIdentity) {
        assert(stream.loop === loop, "an acceptor is for one loop")
        self.stream = stream
        connection = stream.shared
        self.acceptor = acceptor
        context.identity = identity
        startedNanoseconds = loop.nowNanoseconds
        generation += 1
        dispatcher.callBegan()
    }

    /// Remembers nothing of the call that it was; nobody else holds it.
    func forget() {
        request = nil
        startedNanoseconds = 0
        if !initialMetadata.isEmpty { initialMetadata = Metadata() }
        if !trailingMetadata.isEmpty { trailingMetadata = Metadata() }
        compressesAnswers = false
        context.principal = .anonymous
        context.deadline = nil
        context.identity = .none
        access = CallAccess()
        state = nil
        handler = nil
        receivedBytes = 0
        sentBytes = 0
        endedNanoseconds = 0
        messageTime = nil
        withheldBytes = 0
        heldBytes = 0
        isReadingPaused = false
        stream = nil
        extraTrailers = []
        cancelHook = nil
        deadlineTimer = nil
        admittedCount = 0
    }

    /// What the client's application sent with the request.
    package var metadata: Metadata { Metadata(received: received) }

    /// The first value of a field of the request's headers, also of those that `metadata` hides.
    package func header(_ name: String) -> String? { received.first(name) }

    /// Whether its client sends a stream of messages.
    package var takesManyMessages: Bool { state?.kind.clientStreams ?? false }

    /// Whether it is one message for one answer.
    var isUnary: Bool { state?.kind == .unary }

    /// Whether the message that the handler is being given came packed.
    package var isMessageCompressed: Bool { deframer.isCompressed }

    /// Runs `work` later on the call's loop, unless the call is over by then.
    package func schedule(afterNanoseconds delay: UInt64, _ work: @escaping () -> Void) {
        _ = loop.schedule(atNanoseconds: loop.nowNanoseconds + delay) {
            [weak self, generation] in
            if let self, self.generation == generation, !isCancelled { work() }
        }
    }

    /// Who is at the other end of the connection.
    package var peer: Peer { stream?.peer ?? Peer() }

    /// Whether nobody waits for an answer: the client left, the deadline passed, or it was given.
    package var isCancelled: Bool { stream == nil || state?.isOver ?? false }

    /// Whether a producer of many messages may go on; when not, `writable` will tell.
    package var canWrite: Bool {
        guard let stream else { return false }
        return stream.outgoing.count < Limits.streamOutgoingBytesMax
    }

    /// The way back to this call from another thread.
    package var handle: CallHandle { CallHandle(self, mailbox: loop.mailbox) }

    /// Sets the one closure to run when the call is cut short; not when it is answered.
    package func onCancel(_ hook: @escaping () -> Void) {
        cancelHook = hook
    }

    /// Names who asks, once an interceptor knows.
    package func authenticate(as principal: Principal) {
        context.principal = principal
    }

    // MARK: Answering

    /// Sends one message, whose body `encode` writes straight into the stream's buffer.
    ///
    /// It is packed when the call's answers are and it is not `isPlain`.
    package func respond(isPlain: Bool = false, _ encode: (ByteWriter) -> Void) {
        guard let stream, state?.isOver == false else { return }
        let before = stream.outgoing.count
        if compressesAnswers, acceptsGzip, !isPlain {
            dispatcher.compression.append(to: stream.outgoing, encode)
        } else {
            MessageFramer.append(to: stream.outgoing, encode)
        }
        let byteCount = stream.outgoing.count - before - MessageFramer.prefixBytes
        // A short answer, as a write has, is given even so.
        if before == 0, byteCount > Limits.answerBytesAlways, stream.shared.isClogged,
            state?.hasSentHeaders == false
        {
            stream.outgoing.removeAll()
            return refuseClogged()
        }
        if state?.responding() == .sendHeadersAndMessage { sendHeaders(on: stream) }
        sentBytes += byteCount
        stream.flush(endStream: false)
    }

    /// The client has answers enough that it does not take.
    private func refuseClogged() {
        askToRetryLater()
        fail(
            Status(
                .resourceExhausted,
                "too many answers of this connection wait to be taken; read them first"
            )
        )
    }

    /// Ends the call; nothing can be sent after this.
    package func finish(_ status: Status = .ok) {
        guard let stream, let action = state?.finishing(isOK: status.isOK) else { return }
        switch action {
        case .nothing:
            return
        case .sendTrailers:
            stream.send(trailers: trailers(status))
        case .sendHeadersAndTrailers:
            sendHeaders(on: stream)
            stream.send(trailers: trailers(status))
        case .sendTrailersOnly:
            sendTrailersOnly(status, on: stream)
        }
        ended(status)
    }

    /// Answers a call of one answer: the message, then success.
    package func reply(_ encode: (ByteWriter) -> Void) {
        respond(encode)
        finish()
    }

    /// Ends the call with an error; trailers-only when nothing was sent.
    package func fail(_ status: Status) {
        precondition(!status.isOK, "a failure needs a code")
        finish(status)
    }

    /// Adds a field of gRPC's own to the trailers, which `Metadata` refuses to carry.
    package func addTrailer(_ name: String, _ value: String) {
        extraTrailers.append(HeaderBlock.Field(name: name, value: value))
    }

    /// Tells the client when to try again what is refused for now.
    package func askToRetryLater() {
        addTrailer(Self.pushback, String(Limits.retryPushbackMS))
    }

    private static let pushback = "grpc-retry-pushback-ms"

    // MARK: Memory

    /// Holds the call to what its connection and the server may hold of unfinished messages.
    func chargeHeld() -> Status? {
        guard let stream, !isCancelled else { return nil }
        let held = deframer.heldBytes + (kept?.count ?? 0)
        let change = held - heldBytes
        let connection = stream.shared
        if change > 0 {
            guard connection.heldBytes + change <= Limits.connectionReceiveBytesMax,
                dispatcher.receiveBudget.take(change)
            else {
                askToRetryLater()
                return Status(
                    .resourceExhausted,
                    "too many bytes of unfinished messages are held; send fewer at a time"
                )
            }
        } else if change < 0 {
            dispatcher.receiveBudget.give(-change)
        }
        connection.heldBytes += change
        heldBytes = held
        return nil
    }

    /// Gives back what `chargeHeld` took.
    private func dropHeld() {
        stream?.shared.heldBytes -= heldBytes
        dispatcher.receiveBudget.give(heldBytes)
        heldBytes = 0
        kept = nil
        deframer = MessageDeframer(messageBytesMax: dispatcher.messageBytesMax)
    }

    // MARK: Backpressure

    /// Stops giving window back, so that the client stops sending once its window is used up.
    package func pauseReading() {
        isReadingPaused = true
    }

    /// Gives the withheld window back.
    package func resumeReading() {
        isReadingPaused = false
        if withheldBytes > 0 { stream?.consumed(withheldBytes) }
        withheldBytes = 0
    }

    func release(_ byteCount: Int) {
        if byteCount == 0 { return }
        if isReadingPaused {
            withheldBytes += byteCount
        } else {
            stream?.consumed(byteCount)
        }
    }

    // MARK: The life of the call

    /// Takes the checked request over; false when an interceptor refused the call.
    func begin(_ request: ServerRequest, headers: HeaderBlock) -> Bool {
        received = headers
        self.request = request
        if request.encoding != deframer.encoding { deframer.encoding = request.encoding }
        let deadline = request.timeoutNanoseconds.map {
            Deadline(now: startedNanoseconds, timeoutNanoseconds: $0)
        }
        context.deadline = deadline
        if let identity = request.identity { context.identity = identity }
        compressesAnswers = request.encoding == "gzip"
        state = ServerCallState(kind: request.method?.kind ?? .bidirectional)
        for interceptor in dispatcher.interceptors {
            if let refusal = interceptor.begin(self) {
                fail(refusal)
                return false
            }
            admittedCount += 1
        }
        if let refusal = request.refusal {
            fail(refusal)
            return false
        }
        return scheduleDeadline()
    }

    /// Answers a request that is not gRPC in plain HTTP.
    func refuse(httpStatus: Int, _ fields: [HeaderBlock.Field]) {
        let status = HeaderBlock.Field(name: ":status", value: String(httpStatus))
        stream?.send(headers: HeaderBlock([status] + fields), endStream: true)
        state = ServerCallState(kind: .bidirectional)
        ended(Status(StatusCode(httpStatus: httpStatus)))
    }

    /// Cuts the call short: `status` is what the log says, and the client when it still listens.
    func cancel(_ status: Status) {
        let wasRunning = !isCancelled
        let hook = cancelHook
        let handler = handler
        if wasRunning {
            finish(status)
            handler?.cancelled()
            hook?()
        }
    }

    /// The stream is gone.
    func streamClosed() {
        let wasCutShort = state?.ended() ?? true
        let hook = cancelHook
        let handler = handler
        if wasCutShort {
            ended(Status(.cancelled, "the client left"))
            handler?.cancelled()
            hook?()
        }
        stream = nil
        giveBack()
    }

    /// Lies with the acceptor from now on, without what may be large.
    ///
    /// Who still holds the call finds it ended.
    private func giveBack() {
        received = HeaderBlock()
        connection = nil
        kept = nil
        if !deframer.isUnused {
            deframer = MessageDeframer(messageBytesMax: dispatcher.messageBytesMax)
        }
        let acceptor = acceptor
        self.acceptor = nil
        acceptor?.take(back: self)
    }

    private func scheduleDeadline() -> Bool {
        guard let deadline = context.deadline else { return true }
        let expired = Status(.deadlineExceeded, "the deadline passed before the call was answered")
        if deadline.hasPassed(now: loop.nowNanoseconds) {
            fail(expired)
            return false
        }
        deadlineTimer = loop.schedule(atNanoseconds: deadline.monotonicNanoseconds) { [self] in
            deadlineTimer = nil
            cancel(expired)
        }
        return true
    }

    /// Lets go of everything but the stream, which still has bytes to drain.
    private func ended(_ status: Status) {
        if let deadlineTimer { loop.cancel(deadlineTimer) }
        deadlineTimer = nil
        cancelHook = nil
        handler = nil
        resumeReading()
        if heldBytes > 0 { dropHeld() }
        endedNanoseconds = context.clock.monotonicNanoseconds()
        for interceptor in dispatcher.interceptors.prefix(admittedCount).reversed() {
            interceptor.end(self, status)
        }
        admittedCount = 0
        dispatcher.callEnded()
    }

    // MARK: Header blocks

    private func sendHeaders(on stream: any ByteStream) {
        let isPacking = compressesAnswers && acceptsGzip
        guard isPacking || isEchoingRequestID || !initialMetadata.isEmpty else {
            return stream.send(headers: Self.plainHeaders, endStream: false)
        }
        var block = HeaderBlock(Self.responseFields)
        if isPacking { block.add("grpc-encoding", "gzip") }
        if isEchoingRequestID { block.add("x-request-id", context.requestID) }
        initialMetadata.encode(into: &block)
        stream.send(headers: block, endStream: false)
    }

    private func sendTrailersOnly(_ status: Status, on stream: any ByteStream) {
        var block = HeaderBlock(Self.responseFields)
        block.add("x-request-id", context.requestID)
        initialMetadata.encode(into: &block)
        encodeTrailers(status, into: &block)
        stream.send(headers: block, endStream: true)
    }

    private func trailers(_ status: Status) -> HeaderBlock {
        if status == .ok, extraTrailers.isEmpty, trailingMetadata.isEmpty {
            return Self.plainTrailers
        }
        var block = HeaderBlock()
        encodeTrailers(status, into: &block)
        return block
    }

    private func encodeTrailers(_ status: Status, into block: inout HeaderBlock) {
        if status.isOK || !status.details.isEmpty {
            status.encode(into: &block)
        } else {
            let isForNow = extraTrailers.contains { $0.name == Self.pushback }
            dispatcher.explain(status, isForNow ? Limits.retryPushbackMS : nil).encode(into: &block)
        }
        for field in extraTrailers { block.add(field.name, field.value) }
        trailingMetadata.encode(into: &block)
    }

    private static let responseFields = [
        HeaderBlock.Field(name: ":status", value: "200"),
        HeaderBlock.Field(name: "content-type", value: "application/grpc"),
        HeaderBlock.Field(name: "grpc-accept-encoding", value: MessageCompression.accepted),
    ]

    /// What most answers begin with.
    private static let plainHeaders = HeaderBlock.laidOut(responseFields)

    /// What most answers end with.
    private static let plainTrailers = HeaderBlock.laidOut([.init(name: "grpc-status", value: "0")])
}
