import Primitives

/// The one message of a call that takes one.
extension ServerCall {
    /// Runs the handler on the message, once it is known to be the only one.
    func startHandler(_ message: RawSpan) {
        guard let action = state?.halfClosed() else { return }
        switch action {
        case .startHandler: run(message)
        case .refuse(let status): cancel(status)
        case .tellHandler, .nothing: break
        }
    }

    /// Copies the message: the buffer that it lies in is reused before the client ends its side.
    func keep(_ message: RawSpan) {
        let copy = ByteWriter(capacity: message.byteCount)
        copy.append(message)
        kept = copy
    }

    /// The client ended its side.
    func halfClosed() {
        if let refusal = deframer.refusalAtEnd() { return cancel(refusal) }
        guard let action = state?.halfClosed() else { return }
        switch action {
        case .startHandler:
            guard let message = kept else { return }
            kept = nil
            run(message.bytes)
        case .tellHandler: handler?.halfClosed()
        case .refuse(let status): cancel(status)
        case .nothing: break
        }
    }

    private func run(_ message: RawSpan) {
        switch method?.target {
        case .message(let handle): handle(message, self)
        case .producer(let makeHandler):
            let made = makeHandler(message, self)
            if !isCancelled { handler = made }
        case .stream, nil: break
        }
    }
}
