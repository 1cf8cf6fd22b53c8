import Primitives

/// The messages of a call that lives longer than one message; confined to the call's loop.
package protocol StreamingCallHandler: AnyObject {
    /// One message, valid only during this call.
    func received(message: RawSpan)

    /// The client sends no more messages; the handler owes `finish`.
    func halfClosed()

    /// The client left or the deadline passed: nobody waits for an answer.
    func cancelled()

    /// What was sent has drained; a producer that stopped at `canWrite == false` goes on.
    func writable()
}

extension StreamingCallHandler {
    package func received(message: RawSpan) {}
    package func halfClosed() {}
    package func cancelled() {}
    package func writable() {}
}

/// Which function serves which path; built once, then shared by all reactors.
package struct Router: Sendable {
    package typealias MessageHandler = @Sendable (_ message: RawSpan, _ call: ServerCall) -> Void
    package typealias StreamHandler = @Sendable (_ call: ServerCall) -> any StreamingCallHandler
    package typealias ProducerHandler =
        @Sendable (_ message: RawSpan, _ call: ServerCall) -> any StreamingCallHandler

    enum Target: Sendable {
        case message(MessageHandler)
        case stream(StreamHandler)
        case producer(ProducerHandler)
    }

    struct Method: Sendable {
        let kind: CallKind
        let target: Target
        /// Its place in `paths`.
        var index = 0
    }

    private var methods: [String: Method] = [:]
    private var services: Set<String> = []
    /// The paths that are served, in the order in which they were added.
    package private(set) var paths: [String] = []

    package init() {}

    /// Serves `path` with a function of one message that replies now or later.
    package mutating func unary(_ path: String, _ handler: @escaping MessageHandler) {
        add(path, Method(kind: .unary, target: .message(handler)))
    }

    /// Serves `path` with an object that reads many messages and replies once.
    package mutating func clientStreaming(_ path: String, _ handler: @escaping StreamHandler) {
        add(path, Method(kind: .clientStreaming, target: .stream(handler)))
    }

    /// Serves `path` with an object that was made from the one message and replies many times.
    package mutating func serverStreaming(_ path: String, _ handler: @escaping ProducerHandler) {
        add(path, Method(kind: .serverStreaming, target: .producer(handler)))
    }

    /// Serves `path` with an object that reads and writes as it likes.
    package mutating func bidirectional(_ path: String, _ handler: @escaping StreamHandler) {
        add(path, Method(kind: .bidirectional, target: .stream(handler)))
    }

    /// The names of all services that have a method here, sorted.
    package var serviceNames: [String] { services.sorted() }

    private mutating func add(_ path: String, _ method: Method) {
        guard let names = MethodPath(path) else {
            preconditionFailure("a gRPC path is /package.Service/Method")
        }
        precondition(methods[path] == nil, "two handlers for one path")
        var method = method
        method.index = paths.count
        paths.append(path)
        methods[path] = method
        services.insert(String(names.service))
    }

    func method(at path: String) -> Method? {
        methods[path]
    }

    /// Why `path` is not served, for the client.
    func refusal(of path: String) -> Status {
        let shown = String(decoding: path.utf8.prefix(Limits.pathEchoBytesMax), as: UTF8.self)
        guard let names = MethodPath(path) else {
            return Status(
                .unimplemented,
                "malformed path '\(shown)'; a gRPC path is /package.Service/Method"
            )
        }
        guard services.contains(String(names.service)), let name = MethodPath(shown) else {
            return Status(.unimplemented, "unknown service in '\(shown)'")
        }
        return Status(
            .unimplemented,
            "unknown method '\(name.method)' of service '\(name.service)'"
        )
    }
}
