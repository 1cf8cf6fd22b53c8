import Primitives
import Synchronization

/// Refuses calls above a number in flight, so that load shows as refusals and not as waiting.
package final class AdmissionControl: Interceptor {
    private let callsMax: Int
    private let running = Atomic<Int>(0)

    package init(callsMax: Int = Limits.callsInFlightMax) {
        self.callsMax = callsMax
    }

    package var callsInFlight: Int { running.load(ordering: .relaxed) }

    package func begin(_ call: ServerCall) -> Status? {
        let (_, count) = running.add(1, ordering: .relaxed)
        guard count > callsMax else { return nil }
        running.subtract(1, ordering: .relaxed)
        call.addTrailer("grpc-retry-pushback-ms", String(Limits.retryPushbackMS))
        return Status(.resourceExhausted, "\(callsMax) calls are in flight, which is the limit")
    }

    package func end(_ call: ServerCall, _ status: Status) {
        running.subtract(1, ordering: .relaxed)
    }
}
