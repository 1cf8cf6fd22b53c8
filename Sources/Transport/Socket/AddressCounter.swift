import Synchronization

/// What each address has of a server.
final class AddressCounter: Sendable {
    /// An address of IPv4, or the half of one of IPv6 that names a network: its owner has the rest.
    private enum Origin: Hashable {
        case ipv4(UInt32)
        case ipv6(UInt64)
    }

    private let shares = Mutex<[Origin: (connections: Int, calls: OriginCalls)]>([:])

    private static func origin(_ address: SocketAddress?) -> Origin? {
        switch address {
        case .ipv4(let bytes, _): .ipv4(bytes)
        case .ipv6(let high, _, _): .ipv6(high)
        case .unix, nil: nil
        }
    }

    /// Counts one connection more; `nil` when that would be too many.
    ///
    /// Those of Unix sockets are not counted, and each has its calls for itself.
    func add(_ address: SocketAddress?, max: Int) -> OriginCalls? {
        guard let origin = Self.origin(address) else { return OriginCalls() }
        return shares.withLock { shares in
            let share = shares[origin] ?? (0, OriginCalls())
            guard share.connections < max else { return nil }
            shares[origin] = (share.connections + 1, share.calls)
            return share.calls
        }
    }

    func remove(_ address: SocketAddress?) {
        guard let origin = Self.origin(address) else { return }
        shares.withLock { shares in
            guard let share = shares[origin] else { return }
            let count = share.connections - 1
            shares[origin] = count > 0 ? (count, share.calls) : nil
        }
    }
}

/// How many calls all connections of one address have at a time, as the layer above counts them.
package final class OriginCalls: Sendable {
    private let count = Atomic<Int>(0)

    package init() {}

    /// Counts so many more, or fewer.
    ///
    /// - Returns: How many there are then.
    @discardableResult
    package func add(_ change: Int) -> Int {
        count.add(change, ordering: .relaxed).newValue
    }
}
