import Primitives
import Synchronization
import Transport

/// Refuses calls when there are too many, or when all wait too long: load shows as refusals that
/// are safe to repeat, and not as waiting.
///
/// Health is always answered: whoever asks must not take a busy server for a dead one.
package final class AdmissionControl: Interceptor {
    private let callsMax: Atomic<Int>
    private let delayMax: Atomic<UInt64>
    private let running = Atomic<Int>(0)
    private let refusedCount = Atomic<Int>(0)
    private let refuse: @Sendable (StatusCode, _ message: String, _ retryMS: Int) -> Status

    package init(
        callsMax: Int = Limits.callsInFlightMax,
        overloadDelayMS: Int = Limits.overloadDelayMS,
        refuse: @escaping @Sendable (StatusCode, _ message: String, _ retryMS: Int) -> Status = {
            code,
            message,
            _ in Status(code, message)
        }
    ) {
        self.refuse = refuse
        self.callsMax = Atomic(callsMax)
        delayMax = Atomic(UInt64(overloadDelayMS) * 1_000_000)
    }

    package var callsInFlight: Int { running.load(ordering: .relaxed) }

    /// Calls that were refused so far.
    package var callsRefused: Int { refusedCount.load(ordering: .relaxed) }

    package func set(callsMax: Int, overloadDelayMS: Int) {
        self.callsMax.store(callsMax, ordering: .relaxed)
        delayMax.store(UInt64(overloadDelayMS) * 1_000_000, ordering: .relaxed)
    }

    package func begin(_ call: ServerCall) -> Status? {
        let callsMax = callsMax.load(ordering: .relaxed)
        let (_, count) = running.add(1, ordering: .relaxed)
        guard let reason = refusal(call, count, callsMax) else { return nil }
        running.subtract(1, ordering: .relaxed)
        refusedCount.add(1, ordering: .relaxed)
        call.addTrailer("grpc-retry-pushback-ms", String(Limits.retryPushbackMS))
        return reason
    }

    private func refusal(_ call: ServerCall, _ count: Int, _ callsMax: Int) -> Status? {
        if call.isAboutHealth { return nil }
        if count > callsMax {
            return refuse(
                .resourceExhausted,
                "\(callsMax) calls are in flight, which is the limit",
                Limits.retryPushbackMS
            )
        }
        let delayMax = delayMax.load(ordering: .relaxed)
        guard delayMax > 0, call.loop.isOverloaded(waitMaxNanoseconds: delayMax) else { return nil }
        return refuse(
            .unavailable,
            "calls wait for more than \(delayMax / 1_000_000) ms, so some are refused; nothing was "
                + "done",
            Limits.retryPushbackMS
        )
    }

    /// Looks once more before the work begins: the headers of many calls come before the first of
    /// their messages.
    package func receive(_ message: RawSpan, _ call: ServerCall) -> Status? {
        guard !call.takesManyMessages,
            let reason = refusal(call, 0, callsMax.load(ordering: .relaxed))
        else { return nil }
        refusedCount.add(1, ordering: .relaxed)
        call.addTrailer("grpc-retry-pushback-ms", String(Limits.retryPushbackMS))
        return reason
    }

    package func end(_ call: ServerCall, _ status: Status) {
        running.subtract(1, ordering: .relaxed)
    }
}
