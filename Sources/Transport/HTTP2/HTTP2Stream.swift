package import Primitives

/// One stream of a session, as the layer above holds it.
package final class HTTP2Stream: ByteStream {
    package let outgoing = ByteWriter()
    package let loop: any EventLoop

    /// 0 until a client's stream has sent its headers.
    package fileprivate(set) var id: Int32 = 0

    /// Cleared when the stream is closed, as `closeAll` does at the end of every connection; every
    /// call does nothing from then on.
    private var session: Session?
    var handler: (any ByteStreamHandler)?

    package let shared: ConnectionShare

    package var peer: Peer { session?.peer ?? Peer() }

    /// Bytes of `outgoing` that have been framed.
    fileprivate var sentCount = 0
    fileprivate var isEnding = false
    fileprivate var isDeferred = false
    fileprivate var trailers: HeaderBlock?
    /// The handler left bytes waiting and is told when they have drained.
    var wantsWritable = false
    /// The peer sends no more.
    var hasPeerEnded = false
    /// Received bytes that nobody has given back yet.
    private var unconsumed = 0
    /// When bytes last left, or began to wait.
    private(set) var lastProgressNanoseconds: UInt64 = 0
    /// What of `outgoing` the session knows of.
    private var reportedUnsent = 0

    init(in session: Session) {
        self.session = session
        loop = session.loop
        shared = session.shared
    }

    /// Is a new stream of the same session, whatever it was before.
    func begin(in session: Session) {
        self.session = session
        id = 0
        handler = nil
        sentCount = 0
        isEnding = false
        isDeferred = false
        trailers = nil
        wantsWritable = false
        hasPeerEnded = false
        unconsumed = 0
        lastProgressNanoseconds = 0
        reportedUnsent = 0
        outgoing.removeAll()
    }

    package func send(headers: HeaderBlock, endStream: Bool) {
        session?.submit(headers, on: self, endStream: endStream)
    }

    package func flush(endStream: Bool) {
        if reportedUnsent == 0 { lastProgressNanoseconds = loop.nowNanoseconds }
        reportUnsent()
        if endStream { isEnding = true } else { wantsWritable = true }
        session?.resume(self)
    }

    package func send(trailers: HeaderBlock) {
        self.trailers = trailers
        isEnding = true
        session?.resume(self)
    }

    package func reset(_ code: HTTP2ErrorCode) {
        session?.reset(self, code)
    }

    package func consumed(_ byteCount: Int) {
        let count = min(byteCount, unconsumed)
        unconsumed -= count
        session?.consume(count, on: id)
    }

    /// Tells the session how much more, or less, is waiting.
    private func reportUnsent() {
        guard session != nil else { return }
        shared.unsentChanged(by: unsentCount - reportedUnsent)
        reportedUnsent = unsentCount
    }

    // MARK: The session's side

    func opened(as id: Int32) {
        self.id = id
    }

    func received(_ byteCount: Int) {
        unconsumed += byteCount
    }

    /// Lets go of everything; what is left of the window goes back to the connection.
    func close(_ code: HTTP2ErrorCode) {
        guard let session else { return }
        shared.unsentChanged(by: -reportedUnsent)
        reportedUnsent = 0
        self.session = nil
        if unconsumed > 0 { session.consumeClosed(unconsumed) }
        unconsumed = 0
        let handler = handler
        self.handler = nil
        handler?.closed(code)
        outgoing.removeAll()
    }
}

/// What the data provider of libnghttp2 asks for.
extension HTTP2Stream {
    enum Supply {
        case bytes(Int, isLast: Bool)
        case later
    }

    /// Copies what fits of the unsent bytes.
    func supply(_ target: UnsafeMutableRawBufferPointer) -> Supply {
        let available = outgoing.count - sentCount
        if available == 0 && !isEnding {
            isDeferred = true
            return .later
        }
        let count = min(available, target.count)
        unsafe outgoing.withUnsafeBytes { bytes in
            guard count > 0 else { return }
            unsafe target.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[sentCount..<sentCount + count])
            )
        }
        sentCount += count
        if sentCount == outgoing.count {
            outgoing.removeAll()
            sentCount = 0
        }
        lastProgressNanoseconds = loop.nowNanoseconds
        reportUnsent()
        return .bytes(count, isLast: isEnding && outgoing.count == 0)
    }

    /// The trailers, once; the data provider sends them behind the last byte.
    func takeTrailers() -> HeaderBlock? {
        defer { trailers = nil }
        return trailers
    }

    /// Whether the provider had nothing to send and must be woken; asking clears it.
    func takeDeferred() -> Bool {
        defer { isDeferred = false }
        return isDeferred
    }

    var unsentCount: Int { outgoing.count - sentCount }
}
