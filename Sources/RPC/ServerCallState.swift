/// Which sides of a call carry a stream of messages rather than exactly one.
package enum CallKind: Hashable, Sendable, CaseIterable {
    case unary
    case clientStreaming
    case serverStreaming
    case bidirectional

    package var clientStreams: Bool { self == .clientStreaming || self == .bidirectional }
    package var serverStreams: Bool { self == .serverStreaming || self == .bidirectional }
}

/// The protocol of one call as the server sees it.
///
/// ```
/// receiving: open(n) --message--> open(n + 1) --halfClosed--> done
/// sending:   silent --responding--> started(n) --finishing--> over
///               \------------------finishing------------------^   (trailers-only)
/// any state --ended--> over
/// ```
/// The two sides move independently until `over`, where every input is a harmless race.
package struct ServerCallState {
    package enum MessageAction: Equatable {
        /// Keep it until the client ends its side: only then is it known to be the only one.
        case keep
        case deliver
        case refuse(Status)
        case nothing
    }

    package enum HalfCloseAction: Equatable {
        /// Run the handler on the one message that was kept.
        case startHandler
        case tellHandler
        case refuse(Status)
        case nothing
    }

    package enum RespondAction: Equatable {
        case sendHeadersAndMessage
        case sendMessage
        case nothing
    }

    package enum FinishAction: Equatable {
        case sendTrailers
        /// Headers, then trailers: an answer of no messages that succeeded.
        case sendHeadersAndTrailers
        case sendTrailersOnly
        case nothing
    }

    private enum Receiving {
        case open(messagesReceived: Int)
        case done
    }

    private enum Sending {
        case silent
        case started(messagesSent: Int)
        case over
    }

    package let kind: CallKind
    private var receiving = Receiving.open(messagesReceived: 0)
    private var sending = Sending.silent

    package init(kind: CallKind) {
        self.kind = kind
    }

    package var isOver: Bool {
        if case .over = sending { return true }
        return false
    }

    /// Whether the one message of a call that takes one is still on its way.
    package var isWaitingForOnlyMessage: Bool {
        guard !isOver, !kind.clientStreams, case .open = receiving else { return false }
        return true
    }

    package var hasSentHeaders: Bool {
        if case .started = sending { return true }
        return false
    }

    package mutating func messageReceived() -> MessageAction {
        guard !isOver, case .open(let count) = receiving else { return .nothing }
        receiving = .open(messagesReceived: count + 1)
        if kind.clientStreams { return .deliver }
        return count == 0
            ? .keep
            : .refuse(Status(.internal, "\(name) call carries 1 message, not \(count + 1) or more"))
    }

    package mutating func halfClosed() -> HalfCloseAction {
        guard !isOver, case .open(let count) = receiving else { return .nothing }
        receiving = .done
        if kind.clientStreams { return .tellHandler }
        return count == 1
            ? .startHandler
            : .refuse(Status(.internal, "\(name) call carries 1 message, not \(count)"))
    }

    package mutating func responding() -> RespondAction {
        switch sending {
        case .silent:
            sending = .started(messagesSent: 1)
            return .sendHeadersAndMessage
        case .started(let count):
            precondition(
                kind.serverStreams || count == 0,
                "a second answer to a call of one answer"
            )
            sending = .started(messagesSent: count + 1)
            return .sendMessage
        case .over:
            return .nothing
        }
    }

    package mutating func finishing(isOK: Bool) -> FinishAction {
        switch sending {
        case .silent:
            precondition(!isOK || kind.serverStreams, "success without an answer")
            sending = .over
            return isOK ? .sendHeadersAndTrailers : .sendTrailersOnly
        case .started:
            sending = .over
            return .sendTrailers
        case .over:
            return .nothing
        }
    }

    /// The stream is gone, or the call is given up; true when that cut it short.
    package mutating func ended() -> Bool {
        if isOver { return false }
        sending = .over
        return true
    }

    private var name: String { kind == .unary ? "a unary" : "a server-streaming" }
}
