import Synchronization

/// Whether the server takes calls, for those who decide where to send them.
final class Readiness: Sendable {
    private enum State: Sendable {
        case starting
        case serving(check: @Sendable () -> String?)
        case draining
    }

    private let state = Mutex(State.starting)

    /// From now on `check` knows what is in the way, if anything.
    func serve(check: @escaping @Sendable () -> String?) {
        state.withLock { $0 = .serving(check: check) }
    }

    func drain() {
        state.withLock { $0 = .draining }
    }

    /// Why the server can't take calls; `nil` when it can.
    var reason: String? {
        switch state.withLock({ $0 }) {
        case .starting: "recovering"
        case .serving(let check): check()
        case .draining: "draining"
        }
    }
}
