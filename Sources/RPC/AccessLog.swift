package import Logging
import Primitives
import Synchronization

/// One line per call: method, status, microseconds, request id.
///
/// Costs one comparison per call while the logger's level is above `level`.
package final class AccessLog: Interceptor {
    private let logger: Logger
    private let level: Logger.Level
    private let isOn = Atomic<Bool>(true)

    package init(logger: Logger, level: Logger.Level = .debug) {
        self.logger = logger
        self.level = level
    }

    package func set(isOn: Bool) {
        self.isOn.store(isOn, ordering: .relaxed)
    }

    package func begin(_ call: ServerCall) -> Status? { nil }

    package func end(_ call: ServerCall, _ status: Status) {
        guard isOn.load(ordering: .relaxed), logger.logLevel <= level else { return }
        let now = call.context.clock.monotonicNanoseconds()
        let elapsed = now > call.startedNanoseconds ? now - call.startedNanoseconds : 0
        logger.log(
            level: level,
            "call",
            metadata: [
                "method": "\(call.path)",
                "status": "\(status.code.name)",
                "micros": "\(elapsed / 1_000)",
                "request": "\(call.context.requestID)",
            ]
        )
    }
}
