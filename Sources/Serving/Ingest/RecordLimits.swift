import Primitives

/// What an operator lets a call bring.
package struct RecordLimits: Hashable, Sendable {
    /// Records of one call; batches of a stream have a bound of their own.
    package var recordsPerCallMax: Int
    /// How far ahead of the server's clock an event may be.
    package var clockSkewMS: Int64

    package init(
        recordsPerCallMax: Int = Limits.recordsPerCallMax,
        clockSkewMS: Int64 = Limits.clockSkewMS
    ) {
        self.recordsPerCallMax = recordsPerCallMax
        self.clockSkewMS = clockSkewMS
    }

    /// The skew for messages.
    var clockSkewText: String {
        clockSkewMS % 1_000 == 0 ? "\(clockSkewMS / 1_000) s" : "\(clockSkewMS) ms"
    }
}
