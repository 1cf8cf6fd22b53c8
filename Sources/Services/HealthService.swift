import Primitives
package import RPC
import Synchronization
import Wire

/// `grpc.health.v1.Health`: whether the server, or one of its services, can be called.
package final class HealthService: Sendable {
    private struct State {
        var isServing = true
        var watchers: [UInt64: CallHandle] = [:]
        var nextWatcher: UInt64 = 1
    }

    private let arenas = ArenaPool()
    private let services: Set<String>
    private let state = Mutex(State())

    /// - Parameter services: The full names of the services that can be asked about.
    package init(services: [String]) {
        self.services = Set(services + [""])
    }

    package func add(to router: inout Router) {
        router.unary("/grpc.health.v1.Health/Check") { [self] message, call in
            check(message, call)
        }
        router.serverStreaming("/grpc.health.v1.Health/Watch") { [self] message, call in
            watch(message, call)
        }
    }

    /// Every service is NOT_SERVING from now on; those who watch are told.
    package func drain() {
        let watchers = state.withLock { state in
            state.isServing = false
            return Array(state.watchers.values)
        }
        for watcher in watchers {
            watcher.complete { call in Self.respond(.notServing, call) }
        }
    }

    private var status: HealthCheckResponseServingStatusValue {
        state.withLock { $0.isServing } ? .serving : .notServing
    }

    private func service(_ message: RawSpan) throws(WireError) -> String {
        try arenas.withArena { (arena) throws(WireError) in
            try HealthCheckRequestView(unpacking: message, into: arena).service.string
        }
    }

    private func check(_ message: RawSpan, _ call: ServerCall) {
        do throws(WireError) {
            let name = try service(message)
            guard services.contains(name) else {
                return call.fail(Status(.notFound, "unknown service '\(name)'"))
            }
            let status = status
            call.reply { HealthCheckResponseBuilder(into: $0).status(status) }
        } catch {
            call.fail(StatusMapping.status(error))
        }
    }

    private func watch(_ message: RawSpan, _ call: ServerCall) -> any StreamingCallHandler {
        let watcher = HealthWatcher()
        do throws(WireError) {
            let name = try service(message)
            guard services.contains(name) else {
                Self.respond(.serviceUnknown, call)
                return watcher
            }
            let handle = call.handle
            let id = state.withLock { state in
                let id = state.nextWatcher
                state.nextWatcher += 1
                state.watchers[id] = handle
                return id
            }
            watcher.onEnd = { [self] in state.withLock { _ = $0.watchers.removeValue(forKey: id) } }
            Self.respond(status, call)
        } catch {
            call.fail(StatusMapping.status(error))
        }
        return watcher
    }

    private static func respond(
        _ status: HealthCheckResponseServingStatusValue,
        _ call: ServerCall
    ) {
        call.respond { HealthCheckResponseBuilder(into: $0).status(status) }
    }
}

/// Forgets the watch when the client ends the call.
private final class HealthWatcher: StreamingCallHandler {
    var onEnd: (() -> Void)?

    func cancelled() {
        onEnd?()
        onEnd = nil
    }
}
