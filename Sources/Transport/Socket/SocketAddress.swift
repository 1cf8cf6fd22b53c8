import Glibc

/// Where to listen or to connect: `HOST:PORT` with a numeric host, `localhost`, or `unix:PATH`.
package enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    case ipv4(bytes: UInt32, port: UInt16)
    case ipv6(high: UInt64, low: UInt64, port: UInt16)
    case unix(path: String)

    package init(parsing text: String) throws(TransportError) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty, path.utf8.count <= 107 else {
                throw Self.bad(text, "a unix path has 1 to 107 bytes")
            }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { throw Self.bad(text, "the form is HOST:PORT or unix:PATH") }
        var host = String(text[..<colon])
        if host == "localhost" { host = "127.0.0.1" }
        if host.hasPrefix("["), host.hasSuffix("]") {
            var address = in6_addr()
            guard unsafe inet_pton(AF_INET6, String(host.dropFirst().dropLast()), &address) == 1
            else { throw Self.bad(text, "'\(host)' is no IPv6 address") }
            let words = unsafe withUnsafeBytes(of: &address) {
                (
                    unsafe $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                    unsafe $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                )
            }
            self = .ipv6(high: words.0, low: words.1, port: port)
            return
        }
        var address = in_addr()
        guard unsafe inet_pton(AF_INET, host, &address) == 1 else {
            throw Self.bad(text, "'\(host)' is no numeric address; names are not looked up")
        }
        self = .ipv4(bytes: address.s_addr, port: port)
    }

    package var description: String {
        switch self {
        case .ipv4(let bytes, let port):
            let parts = (0..<4).map { String((bytes >> UInt32($0 * 8)) & 0xFF) }
            return parts.joined(separator: ".") + ":\(port)"
        case .ipv6(let high, let low, let port):
            let words = [high, low].flatMap { word in
                (0..<4).map {
                    String(UInt16(truncatingIfNeeded: word >> ($0 * 16)).byteSwapped, radix: 16)
                }
            }
            return "[" + words.joined(separator: ":") + "]:\(port)"
        case .unix(let path):
            return "unix:\(path)"
        }
    }

    package var isLoopback: Bool {
        switch self {
        case .ipv4(let bytes, _): bytes & 0xFF == 127
        case .ipv6(let high, let low, _): high == 0 && low == UInt64(1).bigEndian
        case .unix: true
        }
    }

    var family: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// Runs `body` with the kernel's form.
    func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var storage = sockaddr_storage()
        return unsafe withUnsafeMutableBytes(of: &storage) { raw in
            let length = unsafe fill(raw)
            let pointer = unsafe raw.baseAddress.unsafelyUnwrapped.assumingMemoryBound(
                to: sockaddr.self
            )
            return unsafe body(pointer, length)
        }
    }

    private func fill(_ raw: UnsafeMutableRawBufferPointer) -> socklen_t {
        switch self {
        case .ipv4(let bytes, let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = bytes
            unsafe raw.storeBytes(of: address, as: sockaddr_in.self)
            return socklen_t(MemoryLayout<sockaddr_in>.size)
        case .ipv6(let high, let low, let port):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            unsafe withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
                unsafe bytes.storeBytes(of: high, toByteOffset: 0, as: UInt64.self)
                unsafe bytes.storeBytes(of: low, toByteOffset: 8, as: UInt64.self)
            }
            unsafe raw.storeBytes(of: address, as: sockaddr_in6.self)
            return socklen_t(MemoryLayout<sockaddr_in6>.size)
        case .unix(let path):
            unsafe raw.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
            let offset = MemoryLayout<sa_family_t>.size
            var count = 0
            for byte in path.utf8 {
                unsafe raw[offset + count] = byte
                count += 1
            }
            unsafe raw[offset + count] = 0
            return socklen_t(offset + count + 1)
        }
    }

    /// The address in the kernel's form, as `getsockname` or `accept` gave it.
    init?(_ storage: sockaddr_storage) {
        var storage = storage
        let family = storage.ss_family
        let made: SocketAddress? = unsafe withUnsafeBytes(of: &storage) { raw in
            switch Int32(family) {
            case AF_INET:
                let address = unsafe raw.loadUnaligned(as: sockaddr_in.self)
                return .ipv4(
                    bytes: address.sin_addr.s_addr,
                    port: UInt16(bigEndian: address.sin_port)
                )
            case AF_INET6:
                let offset = 8
                let high = unsafe raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                let low = unsafe raw.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
                let port = UInt16(
                    bigEndian: unsafe raw.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
                )
                // ::ffff:a.b.c.d is a peer of IPv4 at a socket that listens on both.
                let half = UInt64(bigEndian: low)
                if high == 0, half >> 32 == 0xFFFF {
                    return .ipv4(bytes: UInt32(truncatingIfNeeded: half).bigEndian, port: port)
                }
                return .ipv6(high: high, low: low, port: port)
            default:
                return nil
            }
        }
        guard let made else { return nil }
        self = made
    }

    private static func bad(_ text: String, _ reason: String) -> TransportError {
        TransportError(.badAddress, "'\(text)' is no address: \(reason)")
    }
}
