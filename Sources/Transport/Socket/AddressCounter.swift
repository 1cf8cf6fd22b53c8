import Synchronization

/// How many connections each address has.
final class AddressCounter: Sendable {
    /// An address of IPv4, or the half of one of IPv6 that names a network: its owner has the rest.
    private enum Origin: Hashable {
        case ipv4(UInt32)
        case ipv6(UInt64)
    }

    private let counts = Mutex<[Origin: Int]>([:])

    private static func origin(_ address: SocketAddress?) -> Origin? {
        switch address {
        case .ipv4(let bytes, _): .ipv4(bytes)
        case .ipv6(let high, _, _): .ipv6(high)
        case .unix, nil: nil
        }
    }

    /// Counts one more; false when that would be too many.
    ///
    /// Unix sockets are not counted.
    func add(_ address: SocketAddress?, max: Int) -> Bool {
        guard let origin = Self.origin(address) else { return true }
        return counts.withLock { counts in
            let count = counts[origin, default: 0]
            guard count < max else { return false }
            counts[origin] = count + 1
            return true
        }
    }

    func remove(_ address: SocketAddress?) {
        guard let origin = Self.origin(address) else { return }
        counts.withLock { counts in
            let count = counts[origin, default: 0] - 1
            counts[origin] = count > 0 ? count : nil
        }
    }
}
