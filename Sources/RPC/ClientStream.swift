package import Primitives
import Synchronization
import Transport

/// One bidirectional call of a client: messages out, messages in, each side at its own pace.
///
/// A sender waits while `Limits.streamOutgoingBytesMax` bytes have not left; a peer is held back by
/// its window while messages wait to be taken. One task sends and one takes at a time.
package final class ClientStream: Sendable {
    private let core: ClientStreamCore
    private let reactors: ReactorGroup
    /// `nil` for messages that go as they are.
    private let packing: MessageCompression?

    init(core: ClientStreamCore, reactors: ReactorGroup, packing: MessageCompression?) {
        self.core = core
        self.reactors = reactors
        self.packing = packing
    }

    /// Whether the server has begun to answer, so that it was there once.
    package var wasAnswered: Bool { core.wasAnswered.load(ordering: .relaxed) }

    /// Sends a message; returns when there is room for the next.
    ///
    /// - Throws: Why the call has ended.
    package func send(_ encode: (ByteWriter) -> Void) async throws(Status) {
        let bytes = MessageFramer.framed(packing, encode)
        let result: Result<Void, Status> = await withCheckedContinuation { continuation in
            reactors.post(0) { [core] _ in
                core.send(bytes) { continuation.resume(returning: $0) }
            }
        }
        try result.get()
    }

    /// The next message; `nil` at the end of a call that succeeded.
    ///
    /// - Throws: The status of a call that failed.
    package func next() async throws(Status) -> [UInt8]? {
        let result: Result<[UInt8]?, Status> = await withCheckedContinuation { continuation in
            reactors.post(0) { [core] _ in
                core.take { continuation.resume(returning: $0) }
            }
        }
        return try result.get()
    }

    /// Says that no more is sent; the peer's messages go on.
    package func finish() {
        reactors.post(0) { [core] _ in core.finish() }
    }

    /// Gives the call up.
    package func cancel() {
        reactors.post(0) { [core] _ in core.cancel(Status(.cancelled, "the call was given up")) }
    }
}

/// What a `ClientStream` keeps on its reactor.
///
/// SAFETY of `@unchecked`: touched by closures posted to the channel's one reactor only.
final class ClientStreamCore: ByteStreamHandler, @unchecked Sendable {
    typealias Taker = @Sendable (Result<[UInt8]?, Status>) -> Void
    typealias Sender = @Sendable (Result<Void, Status>) -> Void

    let wasAnswered = Atomic(false)
    private var stream: (any ByteStream)?
    private var deframer: MessageDeframer
    private var messages: [[UInt8]] = []
    /// Received bytes whose messages wait: their window is not given back.
    private var withheldBytes = 0
    private var taker: Taker?
    private var sender: Sender?
    /// How the call ended.
    private var end: Status?
    private let compression: MessageCompression
    private let messageBytesMax: Int

    init(messageBytesMax: Int, compression: MessageCompression) {
        self.compression = compression
        self.messageBytesMax = messageBytesMax
        deframer = MessageDeframer(messageBytesMax: messageBytesMax)
    }

    func begin(on stream: any ByteStream) {
        self.stream = stream
    }

    func send(_ bytes: [UInt8], _ sender: @escaping Sender) {
        guard let stream, end == nil else {
            return sender(.failure(failure))
        }
        stream.outgoing.append(unsafe bytes.span.bytes)
        stream.flush(endStream: false)
        if stream.outgoing.count > Limits.streamOutgoingBytesMax {
            self.sender = sender
        } else {
            sender(.success(()))
        }
    }

    func take(_ taker: @escaping Taker) {
        if messages.isEmpty {
            if let end { return taker(end.isOK ? .success(nil) : .failure(end)) }
            self.taker = taker
            return
        }
        let first = messages.removeFirst()
        if messages.isEmpty {
            stream?.consumed(withheldBytes)
            withheldBytes = 0
        }
        taker(.success(first))
    }

    func finish() {
        stream?.flush(endStream: true)
    }

    func cancel(_ status: Status) {
        let stream = stream
        ended(status)
        stream?.reset(.cancel)
    }

    /// Why nothing can be sent any more.
    private var failure: Status {
        guard let end, !end.isOK else {
            return Status(.unavailable, "the server has ended the call")
        }
        return end
    }

    // MARK: The stream

    func received(headers: HeaderBlock, endStream: Bool) {
        if endStream { return ended(headers) }
        wasAnswered.store(true, ordering: .relaxed)
        if let status = Status(ofHTTP: headers) { cancel(status) }
        if let encoding = headers.first("grpc-encoding") { deframer.encoding = encoding }
    }

    func received(bytes: RawSpan, endStream: Bool) {
        var offset = 0
        reading: while end == nil {
            switch deframer.next(in: bytes, at: &offset) {
            case .needsMore: break reading
            case .whole(let range): deliver(bytes.extracting(range))
            case .assembled:
                if let assembly = deframer.assembly { deliver(assembly.bytes) }
            case .refused(let status): cancel(status)
            }
        }
        if messages.isEmpty {
            stream?.consumed(bytes.byteCount)
        } else {
            withheldBytes += bytes.byteCount
        }
        if endStream { ended(HeaderBlock()) }
    }

    private func deliver(_ message: RawSpan) {
        guard deframer.isCompressed else { return take(message) }
        let refusal = compression.inflate(message, bytesMax: messageBytesMax) { take($0) }
        if let refusal { cancel(refusal) }
    }

    private func take(_ message: RawSpan) {
        let copy = unsafe message.withUnsafeBytes { unsafe Array($0) }
        if let taker {
            self.taker = nil
            taker(.success(copy))
        } else {
            messages.append(copy)
        }
    }

    func received(trailers: HeaderBlock) {
        ended(trailers)
    }

    func writable() {
        let sender = sender
        self.sender = nil
        sender?(.success(()))
    }

    func closed(_ code: HTTP2ErrorCode) {
        ended(Status(.unavailable, "the connection ended before the answer"))
    }

    private func ended(_ trailers: HeaderBlock) {
        ended(Status(ending: trailers))
    }

    private func ended(_ status: Status) {
        guard end == nil else { return }
        end = status
        stream = nil
        let taker = taker
        self.taker = nil
        taker?(status.isOK ? .success(nil) : .failure(status))
        let sender = sender
        self.sender = nil
        sender?(.failure(failure))
    }
}
