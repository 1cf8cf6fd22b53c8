package import Primitives
import Synchronization
package import Transport

/// A client's way to one server: a connection that is made when it is needed, on a thread of its
/// own.
///
/// Any number of calls may be under way; they share the connection. A lost connection fails its
/// calls with UNAVAILABLE, and the next call connects again.
package final class ClientChannel: Sendable {
    private let address: SocketAddress
    private let reactors: ReactorGroup
    private let state: ConnectionState
    private let clock: any Clock
    private let messageBytesMax: Int
    private let compression = MessageCompression()
    private let compresses: Bool
    private let tls: ClientTLS?
    private let token: String?

    /// Prepares a channel; no connection is made yet.
    ///
    /// With `compresses` requests are packed, and so are the answers of servers of ours.
    package init(
        to address: SocketAddress,
        tls: ClientTLS? = nil,
        token: String? = nil,
        compresses: Bool = false,
        messageBytesMax: Int = 64 * 1_024 * 1_024,
        clock: any Clock = SystemClock()
    ) throws(TransportError) {
        self.address = address
        self.clock = clock
        self.tls = tls
        self.token = token
        self.compresses = compresses
        self.messageBytesMax = messageBytesMax
        reactors = try ReactorGroup(count: 1, name: "client", clock: clock)
        state = ConnectionState()
    }

    /// Sends one message and waits for one.
    ///
    /// - Parameters:
    ///   - path: `/package.Service/Method`.
    ///   - metadata: Sent with the request.
    ///   - timeoutMS: The call's deadline from now; `nil` waits for ever.
    ///   - encode: Writes the message.
    /// - Returns: The bytes of the answer's message.
    /// - Throws: The status of a call that failed; CANCELLED when the task was cancelled.
    package func unary(
        _ path: String,
        metadata: Metadata = Metadata(),
        timeoutMS: Int? = nil,
        encode: (ByteWriter) -> Void
    ) async throws(Status) -> [UInt8] {
        let body = MessageFramer.framed(packing, encode)
        let slot = CallSlot()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                start(path, metadata, timeoutMS, body, slot) { continuation.resume(returning: $0) }
            }
        } onCancel: {
            reactors.post(0) { _ in
                slot.isCancelled = true
                slot.call?.cancel(Status(.cancelled, "the task was cancelled"))
            }
        }
        return try result.get()
    }

    /// Begins a bidirectional call; it has no deadline.
    ///
    /// A call that can't be begun fails at its first `send` or `next`.
    package func stream(_ path: String, metadata: Metadata = Metadata()) -> ClientStream {
        let core = ClientStreamCore(messageBytesMax: messageBytesMax, compression: compression)
        reactors.post(0) { [self] reactor in
            do throws(TransportError) {
                let transport = try connection(on: reactor)
                let stream = transport.openStream { stream in
                    core.begin(on: stream)
                    return core
                }
                stream.send(headers: requestHeaders(path, nil, metadata), endStream: false)
            } catch {
                core.cancel(Status(.unavailable, "\(address): \(error.message)"))
            }
        }
        return ClientStream(core: core, reactors: reactors, packing: packing)
    }

    private var packing: MessageCompression? { compresses ? compression : nil }

    /// Closes the connection and ends the thread; running calls fail.
    package func close() {
        reactors.post(0) { [state] _ in state.transport?.close() }
        reactors.stop()
    }

    private func start(
        _ path: String,
        _ metadata: Metadata,
        _ timeoutMS: Int?,
        _ body: [UInt8],
        _ slot: CallSlot,
        _ completion: @escaping @Sendable (Result<[UInt8], Status>) -> Void
    ) {
        let deadline = timeoutMS.map { clock.monotonicNanoseconds() + UInt64($0) * 1_000_000 }
        reactors.post(0) { [self] reactor in
            if slot.isCancelled {
                return completion(.failure(Status(.cancelled, "the task was cancelled")))
            }
            do throws(TransportError) {
                let transport = try connection(on: reactor)
                open(path, metadata, timeoutMS, deadline, body, slot, on: transport, completion)
            } catch {
                completion(.failure(Status(.unavailable, "\(address): \(error.message)")))
            }
        }
    }

    private func connection(on reactor: Reactor) throws(TransportError) -> ClientTransport {
        if let transport = state.transport, transport.isOpen { return transport }
        let state = state
        let transport = try ClientTransport(to: address, on: reactor, tls: tls, onConnect: {}) {
            error in state.lastError = error
        }
        state.transport = transport
        state.lastError = nil
        return transport
    }

    private func open(
        _ path: String,
        _ metadata: Metadata,
        _ timeoutMS: Int?,
        _ deadline: UInt64?,
        _ body: [UInt8],
        _ slot: CallSlot,
        on transport: ClientTransport,
        _ completion: @escaping (Result<[UInt8], Status>) -> Void
    ) {
        let address = address
        let state = state
        let stream = transport.openStream { stream in
            let call = ClientCall(
                on: stream,
                messageBytesMax: messageBytesMax,
                compression: compression,
                deadlineNanoseconds: deadline
            ) { result in
                slot.call = nil
                // A connect that failed says more than a stream that was closed by it.
                if case .failure(let status) = result, status.code == .unavailable,
                    let error = state.lastError
                {
                    return completion(
                        .failure(Status(.unavailable, "\(address): \(error.message)"))
                    )
                }
                completion(result)
            }
            slot.call = call
            return call
        }
        stream.outgoing.append(unsafe body.span.bytes)
        stream.send(headers: requestHeaders(path, timeoutMS, metadata), endStream: false)
        stream.flush(endStream: true)
    }

    /// A path of a socket is no authority; gRPC's clients say `localhost` then.
    private var authority: String {
        if case .unix = address { return "localhost" }
        return "\(address)"
    }

    private func requestHeaders(
        _ path: String,
        _ timeoutMS: Int?,
        _ metadata: Metadata
    ) -> HeaderBlock {
        var block = HeaderBlock([
            .init(name: ":method", value: "POST"),
            .init(name: ":scheme", value: tls == nil ? "http" : "https"),
            .init(name: ":path", value: path), .init(name: ":authority", value: authority),
            .init(name: "content-type", value: "application/grpc"),
            .init(name: "te", value: "trailers"),
            .init(name: "grpc-accept-encoding", value: MessageCompression.accepted),
        ])
        if let token { block.add("authorization", "Bearer " + token) }
        if compresses { block.add("grpc-encoding", "gzip") }
        if let timeoutMS {
            block.add(
                "grpc-timeout",
                Timeout.format(nanoseconds: UInt64(max(timeoutMS, 0)) * 1_000_000)
            )
        }
        metadata.encode(into: &block)
        return block
    }
}

/// What the channel keeps on its reactor's thread.
///
/// SAFETY of `@unchecked`: touched by closures posted to that one reactor only.
private final class ConnectionState: @unchecked Sendable {
    var transport: ClientTransport?
    var lastError: TransportError?
}

/// Where a cancelled task finds its call.
///
/// SAFETY of `@unchecked`: touched by closures posted to the channel's one reactor only.
private final class CallSlot: @unchecked Sendable {
    var call: ClientCall?
    var isCancelled = false
}
