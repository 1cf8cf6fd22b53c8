package import Logging
import Primitives
import Synchronization

/// One line per call: method, status, microseconds, bytes, request id and trace.
///
/// Costs one load per call while it is off.
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
        var fields = call.logMetadata
        fields["status"] = "\(status.code.name)"
        fields["micros"] = .stringConvertible(call.elapsedMicros)
        fields["received_bytes"] = .stringConvertible(call.receivedBytes)
        fields["sent_bytes"] = .stringConvertible(call.sentBytes)
        logger.log(level: level, "call", metadata: fields)
    }
}
