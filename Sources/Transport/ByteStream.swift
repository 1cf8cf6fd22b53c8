package import Primitives

/// One HTTP/2 stream as the layer above sees it.
///
/// Confined to its reactor's thread.
///
/// Two conformers: the HTTP/2 stream of this module and the in-memory stream of the tests.
package protocol ByteStream: AnyObject {
    /// The loop of the thread that this stream lives on.
    var loop: any EventLoop { get }

    /// What this one shares with the other streams of its connection.
    var shared: ConnectionShare { get }

    /// Who is at the other end.
    var peer: Peer { get }

    /// Queues the header block (with pseudo-headers) that opens this side of the stream.
    func send(headers: HeaderBlock, endStream: Bool)

    /// The bytes waiting to be sent as DATA; whoever appends calls `flush` before it returns.
    var outgoing: ByteWriter { get }

    /// Tells the session that `outgoing` has grown; with `endStream`, that it will grow no more.
    ///
    /// Bytes leave at the end of the loop turn, as the peer's windows allow.
    func flush(endStream: Bool)

    /// Queues trailers behind all of `outgoing`; ends this side of the stream.
    func send(trailers: HeaderBlock)

    /// Ends the stream at once in both directions.
    func reset(_ code: HTTP2ErrorCode)

    /// Gives `byteCount` bytes of received DATA back to the peer's flow-control window.
    func consumed(_ byteCount: Int)
}

/// Who is at the other end of a connection, as far as the connection knows.
package struct Peer: Hashable, Sendable {
    /// `nil` for a Unix socket.
    package var address: SocketAddress?

    /// The subject of the peer's verified certificate, as RFC 2253 writes it; `nil` without one.
    package var certificateSubject: String?

    /// Whether nobody on the way can read along.
    package var isEncrypted: Bool

    package init(
        address: SocketAddress? = nil,
        certificateSubject: String? = nil,
        isEncrypted: Bool = false
    ) {
        self.address = address
        self.certificateSubject = certificateSubject
        self.isEncrypted = isEncrypted
    }
}

/// What a stream tells the layer above.
///
/// Every call comes on the reactor's thread.
package protocol ByteStreamHandler: AnyObject {
    /// The peer's header block: a request's on a server, a response's on a client.
    func received(headers: HeaderBlock, endStream: Bool)

    /// DATA bytes, valid only during the call. The handler owes `consumed(bytes.byteCount)`.
    func received(bytes: RawSpan, endStream: Bool)

    /// The peer's trailers; the peer sends no more.
    func received(trailers: HeaderBlock)

    /// Time has passed; about once a second while the stream is open.
    func tick(nowNanoseconds: UInt64, requestTimeoutMS: Int)

    /// `outgoing` was drained below its low-water mark; a producer may go on.
    func writable()

    /// The stream is over; nothing comes after this. `noError` when both sides ended in order.
    func closed(_ code: HTTP2ErrorCode)
}

extension ByteStreamHandler {
    package func tick(nowNanoseconds: UInt64, requestTimeoutMS: Int) {}
}

/// Who takes the streams that peers open on one reactor; made and called on its thread.
package protocol StreamAcceptor: AnyObject {
    /// The handler of a new stream; the stream's headers come next.
    func accept(_ stream: any ByteStream) -> any ByteStreamHandler
}

/// The `HTTP2ErrorCode`s of RFC 9113 section 7.
package struct HTTP2ErrorCode: Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package static let noError = Self(rawValue: 0)
    package static let protocolError = Self(rawValue: 1)
    package static let internalError = Self(rawValue: 2)
    package static let flowControlError = Self(rawValue: 3)
    package static let streamClosed = Self(rawValue: 5)
    package static let frameSizeError = Self(rawValue: 6)
    package static let refusedStream = Self(rawValue: 7)
    package static let cancel = Self(rawValue: 8)
    package static let enhanceYourCalm = Self(rawValue: 11)

    /// Whether who resets a stream for this says that the other side broke the protocol.
    var isFaultOfPeer: Bool {
        self == .protocolError || self == .flowControlError || self == .streamClosed
            || self == .frameSizeError
    }
}
