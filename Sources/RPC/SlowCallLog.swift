package import Logging
package import Metrics
import Primitives
import Synchronization
import Transport

/// One line for each call of one message and one answer that took too long, with where its time
/// went.
///
/// - `wait_micros`: its reactor was busy with others before it came to the call's message.
/// - `receive_micros`: the rest of the time from its headers to the end of that message, which the
///   client and the network take.
/// - `work_micros`: from there to the answer: looking, scoring, and for a write its way through the
///   queue to the disk.
///
/// Streams last as long as their clients like, so they are never slow. A server that is slow for
/// all says so in a few lines a second, with how many were left out. Off, it costs a load or two
/// per call.
package final class SlowCallLog: Interceptor {
    private let logger: Logger
    private let slowCalls: Counter
    private let thresholdNanoseconds = Atomic<UInt64>(0)
    private let lines = LineLimit(linesPerSecondMax: Limits.slowCallLinesPerSecondMax)

    package init(logger: Logger, metrics: Registry) {
        self.logger = logger
        slowCalls = metrics.counter(
            "bowerbird_slow_calls_total",
            "Calls of one message and one answer that took longer than slow-call-ms."
        )
    }

    /// - Parameter thresholdMS: From when on a call is slow; 0 for never.
    package func set(thresholdMS: Int) {
        thresholdNanoseconds.store(UInt64(thresholdMS) * 1_000_000, ordering: .relaxed)
    }

    package func begin(_ call: ServerCall) -> Status? { nil }

    package func receive(_ message: RawSpan, _ call: ServerCall) -> Status? {
        guard thresholdNanoseconds.load(ordering: .relaxed) > 0, call.isUnary else { return nil }
        let loop = call.loop
        let waited = loop.turnElapsedNanoseconds
        call.messageTime = (loop.nowNanoseconds + waited, waited)
        return nil
    }

    package func end(_ call: ServerCall, _ status: Status) {
        let threshold = thresholdNanoseconds.load(ordering: .relaxed)
        guard threshold > 0, call.isUnary,
            call.endedNanoseconds > call.startedNanoseconds,
            call.endedNanoseconds - call.startedNanoseconds > threshold
        else { return }
        slowCalls.add()
        guard logger.logLevel <= .warning,
            let leftOut = lines.admit(now: call.endedNanoseconds)
        else { return }
        var fields = call.logMetadata
        fields["status"] = "\(status.code.name)"
        fields["micros"] = .stringConvertible(call.elapsedMicros)
        if let (taken, waited) = call.messageTime {
            let receiving = ServerCall.micros(from: call.startedNanoseconds, to: taken)
            let waiting = min(Int(waited / 1_000), receiving)
            fields["wait_micros"] = .stringConvertible(waiting)
            fields["receive_micros"] = .stringConvertible(receiving - waiting)
            fields["work_micros"] = .stringConvertible(
                ServerCall.micros(from: taken, to: call.endedNanoseconds)
            )
        }
        if leftOut > 0 { fields["left_out"] = .stringConvertible(leftOut) }
        logger.warning("slow call", metadata: fields)
    }
}
