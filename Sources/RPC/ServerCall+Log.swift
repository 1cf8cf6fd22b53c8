import Logging
import Primitives

/// What every line about a call says of it.
extension ServerCall {
    /// From its headers to its end, in microseconds.
    var elapsedMicros: Int { Self.micros(from: startedNanoseconds, to: endedNanoseconds) }

    /// Names the call: its method and id, and its trace when the client sent one.
    var logMetadata: Logger.Metadata {
        var fields: Logger.Metadata = [
            "method": "\(path)",
            "request": "\(context.requestID)",
        ]
        if let trace = header("traceparent").flatMap({ TraceParent($0) }) {
            fields["trace"] = "\(trace.traceID)"
            fields["span"] = "\(trace.parentID)"
        }
        return fields
    }

    /// The time between two readings of the monotonic clock; 0 when they are the wrong way round.
    static func micros(from start: UInt64, to end: UInt64) -> Int {
        end > start ? Int((end - start) / 1_000) : 0
    }
}
