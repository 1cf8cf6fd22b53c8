import Glibc
import Logging

/// How many file descriptors the process may have.
enum Descriptors {
    /// Files of the store, pipes and listeners: what is needed beside the connections.
    private static let besideConnections = 512

    /// Takes all that the system allows, which shells and containers do not give by themselves.
    static func takeAll(connectionsMax: Int, logger: Logger) {
        // 7 is RLIMIT_NOFILE, which is imported with another type.
        let kind = __rlimit_resource_t(7)
        var limit = rlimit()
        guard unsafe getrlimit(kind, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(kind, &limit)
        guard limit.rlim_max < rlim_t(connectionsMax + besideConnections) else { return }
        logger.warning(
            "fewer file descriptors than connections are allowed",
            metadata: [
                "allowed": .stringConvertible(limit.rlim_max),
                "connections_max": .stringConvertible(connectionsMax),
            ]
        )
    }
}
