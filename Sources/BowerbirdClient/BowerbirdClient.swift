internal import Primitives
internal import RPC
internal import Transport
internal import Wire

/// A client of one Bowerbird server; any number of calls may be under way at once.
///
/// Connects when it is first used, and again after a connection was lost. Cancelling a task ends
/// its call.
public final class BowerbirdClient: Sendable {
    let channel: ClientChannel
    private let timeoutMS: Int

    /// Prepares a client; no connection is made yet.
    ///
    /// - Parameters:
    ///   - server: `HOST:PORT` or `unix:PATH`.
    ///   - tls: How to speak TLS; `nil` for plain HTTP/2.
    ///   - token: What the client shows to prove who it is; `nil` for nothing.
    ///   - timeoutMS: The deadline of each call.
    ///   - compresses: Whether messages are packed with gzip, for networks slower than a CPU.
    /// - Throws: `ClientError` for an address of another form, or a file that can't be used.
    public init(
        server: String,
        tls: TLSSettings? = nil,
        token: String? = nil,
        timeoutMS: Int = 30_000,
        compresses: Bool = false
    ) throws(ClientError) {
        self.timeoutMS = timeoutMS
        do throws(TransportError) {
            channel = try ClientChannel(
                to: SocketAddress(parsing: server),
                tls: try tls?.prepared(for: server),
                token: token,
                compresses: compresses
            )
        } catch {
            throw ClientError(error)
        }
    }

    /// Closes the connection; running calls fail.
    public func close() {
        channel.close()
    }

    /// One call: `encode` writes the request, `decode` reads the answer's bytes.
    func call<R>(
        _ path: String,
        _ encode: (ByteWriter) -> Void,
        _ decode: (RawSpan, Arena) throws(WireError) -> R
    ) async throws(ClientError) -> R {
        let bytes: [UInt8]
        do throws(Status) {
            bytes = try await channel.unary(path, timeoutMS: timeoutMS, encode: encode)
        } catch {
            throw ClientError(error)
        }
        do throws(WireError) {
            return try decode(unsafe bytes.span.bytes, Arena())
        } catch {
            throw ClientError(unreadable: error.message)
        }
    }

    /// Whether the server says that it serves.
    public func isServing() async throws(ClientError) -> Bool {
        try await call("/grpc.health.v1.Health/Check", { _ in }) {
            (bytes, arena) throws(WireError) in
            try HealthCheckResponseView(unpacking: bytes, into: arena).status == .serving
        }
    }
}
