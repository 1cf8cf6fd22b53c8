package import Primitives

/// Who asks.
package enum Principal: Hashable, Sendable {
    /// Nobody proved who they are; the server was set up to allow that.
    case anonymous

    /// The holder of the token of this name.
    case token(name: String)

    /// The owner of the verified certificate with this subject.
    case certificate(subject: String)

    /// The token's name or the certificate's subject; empty for nobody.
    package var name: String {
        switch self {
        case .anonymous: ""
        case .token(let name): name
        case .certificate(let subject): subject
        }
    }
}

extension Principal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .anonymous: "anonymous"
        case .token(let name): "token '\(name)'"
        case .certificate(let subject): "certificate '\(subject)'"
        }
    }
}

/// What goes with every call through every layer, whatever door it came in by.
package struct CallContext: Sendable {
    package var principal: Principal
    package let clock: any Clock
    package internal(set) var deadline: Deadline?
    var identity: RequestIdentity

    package init(
        principal: Principal = .anonymous,
        clock: any Clock,
        deadline: Deadline? = nil,
        identity: RequestIdentity
    ) {
        self.principal = principal
        self.clock = clock
        self.deadline = deadline
        self.identity = identity
    }

    /// The name of this call in logs: the client's `x-request-id`, or one made here.
    ///
    /// Spelled out only when somebody reads it, so that a call without a reader costs nothing.
    package var requestID: String { identity.text }
}

/// Where a request id came from.
package enum RequestIdentity: Hashable, Sendable {
    /// Of no call.
    case none
    case given(String)
    case generated(process: UInt64, reactor: Int, serial: UInt64)

    package var text: String {
        switch self {
        case .none: ""
        case .given(let text): text
        case .generated(let process, let reactor, let serial):
            String(process, radix: 16) + "-" + String(reactor) + "-" + String(serial, radix: 16)
        }
    }

    /// Takes a client's id when it is printable, not empty and within the bound.
    package init?(client text: String) {
        guard !text.isEmpty, text.utf8.count <= Limits.requestIDBytesMax,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        self = .given(text)
    }
}
