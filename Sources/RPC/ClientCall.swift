import Primitives
import Synchronization
import Transport

/// One unary call as the client sees it; confined to the client's reactor.
final class ClientCall: ByteStreamHandler {
    /// The answer's message, or why there is none.
    typealias Completion = (Result<[UInt8], Status>) -> Void

    private var stream: (any ByteStream)?
    private var deframer: MessageDeframer
    private var message: [UInt8]?
    private var failure: Status?
    private var completion: Completion?
    private var timer: TimerToken?
    private let loop: any EventLoop
    private let compression: MessageCompression
    private let messageBytesMax: Int

    init(
        on stream: any ByteStream,
        messageBytesMax: Int,
        compression: MessageCompression,
        deadlineNanoseconds: UInt64?,
        completion: @escaping Completion
    ) {
        self.stream = stream
        self.completion = completion
        self.compression = compression
        self.messageBytesMax = messageBytesMax
        loop = stream.loop
        deframer = MessageDeframer(messageBytesMax: messageBytesMax)
        if let deadlineNanoseconds {
            timer = loop.schedule(atNanoseconds: deadlineNanoseconds) { [self] in
                timer = nil
                cancel(Status(.deadlineExceeded, "the deadline passed before the answer came"))
            }
        }
    }

    /// Gives up: the stream is reset and `status` is the answer.
    func cancel(_ status: Status) {
        let stream = stream
        finish(.failure(status))
        stream?.reset(.cancel)
    }

    func received(headers: HeaderBlock, endStream: Bool) {
        if endStream { return ended(headers) }
        failure = Status(ofHTTP: headers)
        if let encoding = headers.first("grpc-encoding") { deframer.encoding = encoding }
    }

    func received(bytes: RawSpan, endStream: Bool) {
        var offset = 0
        while failure == nil {
            let step = deframer.next(in: bytes, at: &offset)
            if step == .needsMore { break }
            switch step {
            case .needsMore: break
            case .whole(let range): take(bytes.extracting(range))
            case .assembled:
                if let assembly = deframer.assembly { take(assembly.bytes) }
            case .refused(let status): failure = status
            }
        }
        stream?.consumed(bytes.byteCount)
        if endStream { ended(HeaderBlock()) }
    }

    private func take(_ bytes: RawSpan) {
        if message != nil {
            failure = Status(.internal, "the server sent 2 messages to a unary call")
        }
        guard deframer.isCompressed else {
            message = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
            return
        }
        let refusal = compression.inflate(bytes, bytesMax: messageBytesMax) { plain in
            message = unsafe plain.withUnsafeBytes { unsafe Array($0) }
        }
        if let refusal { failure = refusal }
    }

    func received(trailers: HeaderBlock) {
        ended(trailers)
    }

    private func ended(_ trailers: HeaderBlock) {
        if let failure { return finish(.failure(failure)) }
        let status = Status(ending: trailers)
        guard status.isOK else { return finish(.failure(status)) }
        guard let message else {
            return finish(.failure(Status(.internal, "success without a message")))
        }
        finish(.success(message))
    }

    func writable() {}

    func closed(_ code: HTTP2ErrorCode) {
        let status =
            code == .refusedStream
            ? Status(.unavailable, "the server refused the stream; it did no work")
            : Status(.unavailable, "the connection ended before the answer")
        finish(.failure(status))
    }

    private func finish(_ result: Result<[UInt8], Status>) {
        if let timer { loop.cancel(timer) }
        timer = nil
        stream = nil
        let completion = completion
        self.completion = nil
        completion?(result)
    }
}

/// What a server's header blocks say of a call, in the words of the client.
extension Status {
    /// The status of an answer that is not gRPC's; `nil` for one that is.
    init?(ofHTTP headers: HeaderBlock) {
        guard let http = headers.first(":status"), http != "200" else { return nil }
        self.init(
            StatusCode(httpStatus: Int(http) ?? 0),
            "the server answered HTTP \(http), not gRPC"
        )
    }

    /// The status at the end of a call; one without is UNKNOWN.
    init(ending trailers: HeaderBlock) {
        self =
            Status(decoding: trailers) ?? Status(.unknown, "the server sent no grpc-status")
    }
}
