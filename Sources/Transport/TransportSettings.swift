import Primitives

/// What an operator may change about connections.
package struct TransportSettings: Sendable {
    package var connectionsMax: Int
    package var connectionsPerAddressMax: Int
    /// 0 for no end.
    package var connectionAgeMaxMS: Int
    package var connectionAgeGraceMS: Int
    package var handshakeTimeoutMS: Int
    package var requestTimeoutMS: Int
    package var stalledWriteTimeoutMS: Int
    package var idleTimeoutMS: Int
    /// 0 for never.
    package var keepAliveIntervalMS: Int
    package var keepAliveTimeoutMS: Int

    package init(
        connectionsMax: Int = Limits.connectionsMax,
        connectionsPerAddressMax: Int = Limits.connectionsPerAddressMax,
        connectionAgeMaxMS: Int = 0,
        connectionAgeGraceMS: Int = Limits.drainGraceMS,
        handshakeTimeoutMS: Int = Limits.handshakeTimeoutMS,
        requestTimeoutMS: Int = Limits.requestTimeoutMS,
        stalledWriteTimeoutMS: Int = Limits.stalledWriteTimeoutMS,
        idleTimeoutMS: Int = Limits.idleTimeoutMS,
        keepAliveIntervalMS: Int = Limits.keepAliveIntervalMS,
        keepAliveTimeoutMS: Int = Limits.keepAliveTimeoutMS
    ) {
        self.connectionsMax = connectionsMax
        self.connectionsPerAddressMax = connectionsPerAddressMax
        self.connectionAgeMaxMS = connectionAgeMaxMS
        self.connectionAgeGraceMS = connectionAgeGraceMS
        self.handshakeTimeoutMS = handshakeTimeoutMS
        self.requestTimeoutMS = requestTimeoutMS
        self.stalledWriteTimeoutMS = stalledWriteTimeoutMS
        self.idleTimeoutMS = idleTimeoutMS
        self.keepAliveIntervalMS = keepAliveIntervalMS
        self.keepAliveTimeoutMS = keepAliveTimeoutMS
    }

    /// The longest that any phase of a connection may be checked late.
    var checkIntervalNanoseconds: UInt64 {
        let shortest = min(
            handshakeTimeoutMS,
            requestTimeoutMS,
            stalledWriteTimeoutMS,
            idleTimeoutMS,
            keepAliveIntervalMS > 0 ? keepAliveIntervalMS : 1_000,
            keepAliveTimeoutMS,
            1_000
        )
        return UInt64(shortest) * 1_000_000
    }
}
