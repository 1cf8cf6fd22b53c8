import Primitives
package import Transport

/// What the stream tells the call.
extension ServerCall: ByteStreamHandler {
    package func received(headers: HeaderBlock, endStream: Bool) {
        let request: ServerRequest
        do throws(ServerRequest.NotGRPC) {
            request = try read(headers)
        } catch {
            switch error {
            case .method:
                return refuse(httpStatus: 405, [.init(name: "allow", value: "POST")])
            case .contentType:
                return refuse(httpStatus: 415, [.init(name: "accept", value: "application/grpc")])
            }
        }
        guard begin(request, headers: headers) else { return }
        if case .stream(let makeHandler) = method?.target {
            // The handler may finish the call while it is made.
            let made = makeHandler(self)
            if !isCancelled { handler = made }
        }
        if endStream { halfClosed() }
    }

    package func received(bytes: RawSpan, endStream: Bool) {
        var offset = 0
        reading: while !isCancelled {
            switch deframer.next(in: bytes, at: &offset) {
            case .needsMore:
                break reading
            case .whole(let range):
                let isLast = endStream && range.upperBound == bytes.byteCount
                received(message: bytes.extracting(range), isLast: isLast)
                if isLast {
                    release(bytes.byteCount)
                    return
                }
            case .assembled:
                guard let assembly = deframer.assembly else { return }
                received(message: assembly.bytes, isLast: endStream && offset == bytes.byteCount)
                if endStream, offset == bytes.byteCount {
                    release(bytes.byteCount)
                    return
                }
            case .refused(let status):
                cancel(status)
            }
        }
        release(bytes.byteCount)
        if let refusal = chargeHeld() { cancel(refusal) }
        if endStream { halfClosed() }
    }

    /// What a request's headers say; a connection's next request often says just the same.
    private func read(_ headers: HeaderBlock) throws(ServerRequest.NotGRPC) -> ServerRequest {
        guard let shared = stream?.shared else {
            return try ServerRequest(headers, router: dispatcher.router)
        }
        if let last = shared.lastRead, last.headers.isIdentical(to: headers),
            let request = last.meaning as? ServerRequest
        {
            return request
        }
        let request = try ServerRequest(headers, router: dispatcher.router)
        shared.lastRead = (headers, request)
        return request
    }

    package func tick(nowNanoseconds: UInt64, requestTimeoutMS: Int) {
        guard state?.isWaitingForOnlyMessage == true else { return }
        let elapsed = nowNanoseconds > startedNanoseconds ? nowNanoseconds - startedNanoseconds : 0
        guard elapsed > UInt64(requestTimeoutMS) * 1_000_000 else { return }
        cancel(
            Status(
                .deadlineExceeded,
                "the request did not come within \(requestTimeoutMS) ms"
            )
        )
    }

    package func received(trailers: HeaderBlock) {
        halfClosed()
    }

    package func writable() {
        handler?.writable()
    }

    package func closed(_ code: HTTP2ErrorCode) {
        streamClosed()
    }

    /// One whole message as it came; with `isLast`, the client has also ended its side behind it.
    private func received(message: RawSpan, isLast: Bool) {
        receivedBytes += message.byteCount
        guard deframer.isCompressed else { return take(message, isLast: isLast) }
        let refusal = dispatcher.compression.inflate(
            message,
            bytesMax: dispatcher.messageBytesMax
        ) { take($0, isLast: isLast) }
        if let refusal { cancel(refusal) }
    }

    private func take(_ message: RawSpan, isLast: Bool) {
        for interceptor in dispatcher.interceptors where !isCancelled {
            if let refusal = interceptor.receive(message, self) { return cancel(refusal) }
        }
        guard let action = state?.messageReceived() else { return }
        switch action {
        case .nothing:
            break
        case .refuse(let status):
            cancel(status)
        case .deliver:
            handler?.received(message: message)
            if isLast { halfClosed() }
        case .keep:
            if isLast {
                startHandler(message)
            } else {
                keep(message)
            }
        }
    }
}
