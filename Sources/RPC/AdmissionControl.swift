import Primitives
import Synchronization
import Transport

/// Refuses calls when there are too many, or when all wait too long: load shows as refusals that
/// are safe to repeat, and not as waiting.
///
/// Health is always answered: whoever asks must not take a busy server for a dead one. As everybody
/// may ask, its calls take no places of the others, and a connection has a few at a time.
package final class AdmissionControl: Interceptor {
    private let callsMax: Atomic<Int>
    private let callsPerAddressMax: Atomic<Int>
    private let delayMax: Atomic<UInt64>
    private let running = Atomic<Int>(0)
    private let refusedCount = Atomic<Int>(0)
    private let refuse: @Sendable (StatusCode, _ message: String, _ retryMS: Int) -> Status

    package init(
        callsMax: Int = Limits.callsInFlightMax,
        callsPerAddressMax: Int = Limits.callsPerAddressMax,
        overloadDelayMS: Int = Limits.overloadDelayMS,
        refuse: @escaping @Sendable (StatusCode, _ message: String, _ retryMS: Int) -> Status = {
            code,
            message,
            _ in Status(code, message)
        }
    ) {
        self.refuse = refuse
        self.callsMax = Atomic(callsMax)
        self.callsPerAddressMax = Atomic(callsPerAddressMax)
        delayMax = Atomic(UInt64(overloadDelayMS) * 1_000_000)
    }

    package var callsInFlight: Int { running.load(ordering: .relaxed) }

    /// Calls that were refused so far.
    package var callsRefused: Int { refusedCount.load(ordering: .relaxed) }

    package func set(callsMax: Int, callsPerAddressMax: Int, overloadDelayMS: Int) {
        self.callsMax.store(callsMax, ordering: .relaxed)
        self.callsPerAddressMax.store(callsPerAddressMax, ordering: .relaxed)
        delayMax.store(UInt64(overloadDelayMS) * 1_000_000, ordering: .relaxed)
    }

    package func begin(_ call: ServerCall) -> Status? {
        let reason = call.isAboutHealth ? beginHealth(call) : beginCounted(call)
        guard let reason else { return nil }
        refusedCount.add(1, ordering: .relaxed)
        call.askToRetryLater()
        return reason
    }

    private func beginHealth(_ call: ServerCall) -> Status? {
        let max = Limits.healthCallsPerConnectionMax
        guard let connection = call.connection, connection.preferredCalls < max else {
            return refuse(
                .resourceExhausted,
                "\(max) checks of this connection are in flight, which is the limit",
                Limits.retryPushbackMS
            )
        }
        connection.preferredCalls += 1
        return nil
    }

    private func beginCounted(_ call: ServerCall) -> Status? {
        let callsMax = callsMax.load(ordering: .relaxed)
        let perAddressMax = callsPerAddressMax.load(ordering: .relaxed)
        let count = running.add(1, ordering: .relaxed).newValue
        let ofAddress = call.connection?.originCalls.add(1) ?? 0
        let reason: Status?
        if count > callsMax {
            reason = tooMany("\(callsMax) calls")
        } else if ofAddress > perAddressMax {
            reason = tooMany("\(perAddressMax) calls of this address")
        } else {
            reason = overload(call)
        }
        if reason != nil { leave(call) }
        return reason
    }

    private func leave(_ call: ServerCall) {
        running.subtract(1, ordering: .relaxed)
        call.connection?.originCalls.add(-1)
    }

    private func tooMany(_ calls: String) -> Status {
        refuse(
            .resourceExhausted,
            "\(calls) are in flight, which is the limit",
            Limits.retryPushbackMS
        )
    }

    private func overload(_ call: ServerCall) -> Status? {
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
        guard !call.takesManyMessages, !call.isAboutHealth, let reason = overload(call) else {
            return nil
        }
        refusedCount.add(1, ordering: .relaxed)
        call.askToRetryLater()
        return reason
    }

    package func end(_ call: ServerCall, _ status: Status) {
        if call.isAboutHealth {
            call.connection?.preferredCalls -= 1
        } else {
            leave(call)
        }
    }
}
