package import Metrics
import Primitives
import Synchronization

/// Rate, errors and durations of the calls, by method and status, under gRPC's own names.
///
/// The names are those of gRPC's proposal A66 in Prometheus' spelling. A series appears with its
/// first call; there are as many as methods times statuses at most, since a method that nobody
/// serves counts as `other`.
package final class CallMetrics: Interceptor {
    /// What is recorded of calls of one method that ended with one status.
    private final class Outcome: Sendable {
        let durations = Histogram(.durations)
        let received = Histogram(.bytes)
        let sent = Histogram(.bytes)
    }

    /// Made when it is first needed, by whichever thread is first.
    private final class Slot: Sendable {
        let outcome = AtomicLazyReference<Outcome>()
    }

    private final class Method: Sendable {
        let name: String
        let started: Counter
        let slots: [Slot]

        init(name: String, started: Counter) {
            self.name = name
            self.started = started
            slots = StatusCode.allCases.map { _ in Slot() }
        }
    }

    private let registry: Registry
    /// By the router's index; the last is `other`.
    private let methods: [Method]

    package init(_ registry: Registry, router: Router) {
        self.registry = registry
        methods = (router.paths.map { String($0.dropFirst()) } + ["other"]).map { name in
            Method(
                name: name,
                started: registry.counter(
                    "grpc_server_call_started_total",
                    "Calls that were begun.",
                    [("grpc_method", name)]
                )
            )
        }
    }

    package func begin(_ call: ServerCall) -> Status? {
        method(of: call).started.add()
        return nil
    }

    package func end(_ call: ServerCall, _ status: Status) {
        let ended = call.endedNanoseconds
        let outcome = outcome(method(of: call), status.code)
        outcome.durations.record(
            ended > call.startedNanoseconds ? ended - call.startedNanoseconds : 0
        )
        outcome.received.record(UInt64(call.receivedBytes))
        outcome.sent.record(UInt64(call.sentBytes))
    }

    private func method(of call: ServerCall) -> Method {
        methods[call.methodIndex ?? methods.count - 1]
    }

    private func outcome(_ method: Method, _ code: StatusCode) -> Outcome {
        let slot = method.slots[Int(code.rawValue)]
        if let outcome = slot.outcome.load() { return outcome }
        let made = Outcome()
        let kept = slot.outcome.storeIfNil(made)
        if kept === made {
            let labels = [("grpc_method", method.name), ("grpc_status", code.name)]
            registry.add(
                made.durations,
                "grpc_server_call_duration_seconds",
                "From a call's headers to its status.",
                labels
            )
            registry.add(
                made.received,
                "grpc_server_call_rcvd_total_compressed_message_size_bytes",
                "Bytes of all messages that a call received.",
                labels
            )
            registry.add(
                made.sent,
                "grpc_server_call_sent_total_compressed_message_size_bytes",
                "Bytes of all messages that a call sent.",
                labels
            )
        }
        return kept
    }
}
