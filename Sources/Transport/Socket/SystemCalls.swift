import CLinux
import Glibc
import Primitives

/// The only place that talks to the kernel about descriptors.
///
/// Each wrapper retries on EINTR and turns an unexpected errno into an error with the call's name.
enum SystemCalls {
    /// How a read or write on a non-blocking descriptor went.
    enum Transfer: Equatable {
        case bytes(Int)
        case wouldBlock
        case closed
    }

    static func failure(_ call: String) -> TransportError {
        let code = errno
        let reason = unsafe String(cString: strerror(code))
        return TransportError(.systemCall, "\(call): \(reason)")
    }

    static func listen(_ address: SocketAddress, backlog: Int32) throws(TransportError) -> Int32 {
        if case .unix(let path) = address { unlinkSocket(path) }
        let type =
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.family, type, 0)
        guard descriptor >= 0 else { throw failure("socket") }
        setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        let bound = unsafe address.withSockaddr { unsafe Glibc.bind(descriptor, $0, $1) }
        guard bound == 0, Glibc.listen(descriptor, backlog) == 0 else {
            let error = failure("listen on \(address)")
            _ = Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    /// A socket file that a dead server left.
    ///
    /// One that somebody listens at stays, as a file of another kind does, and `bind` complains.
    private static func unlinkSocket(_ path: String) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let probe = socket(AF_UNIX, type | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { return }
        let result = unsafe SocketAddress.unix(path: path).withSockaddr {
            unsafe Glibc.connect(probe, $0, $1)
        }
        if result != 0, errno == ECONNREFUSED { remove(path) }
        close(probe)
    }

    static func remove(_ path: String) {
        _ = unsafe unlink(path)
    }

    static func localAddress(_ descriptor: Int32) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &length)
            }
        }
        return result == 0 ? SocketAddress(storage) : nil
    }

    /// The next waiting connection, non-blocking; `nil` when there is none.
    static func accept(_ listener: Int32) throws(TransportError) -> (Int32, SocketAddress?)? {
        while true {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let flags = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let descriptor = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe bowerbird_accept4(listener, $0, &length, flags)
                }
            }
            if descriptor >= 0 { return (descriptor, SocketAddress(storage)) }
            switch errno {
            case EAGAIN, EWOULDBLOCK: return nil
            case EINTR, ECONNABORTED, EPROTO: continue
            default: throw failure("accept")
            }
        }
    }

    /// Begins to connect; the descriptor is writable once that is decided.
    static func connect(_ address: SocketAddress) throws(TransportError) -> Int32 {
        let type =
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.family, type, 0)
        guard descriptor >= 0 else { throw failure("socket") }
        let result = unsafe address.withSockaddr { unsafe Glibc.connect(descriptor, $0, $1) }
        guard result == 0 || errno == EINPROGRESS || errno == EINTR else {
            let error = failure("connect to \(address)")
            _ = Glibc.close(descriptor)
            throw error
        }
        noDelay(descriptor)
        return descriptor
    }

    /// What became of a connect: `nil` when it stands.
    static func connectFailure(_ descriptor: Int32) -> TransportError? {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
        guard code != 0 else { return nil }
        return TransportError(.systemCall, unsafe "connect: " + String(cString: strerror(code)))
    }

    static func noDelay(_ descriptor: Int32) {
        setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    /// Has the kernel ask silent peers whether they are there: one that lost its power never says
    /// goodbye, and its streams would wait for ever.
    static func keepAlive(_ descriptor: Int32) {
        setOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        setOption(descriptor, Int32(IPPROTO_TCP), TCP_KEEPIDLE, Limits.keepAliveIdleSeconds)
        setOption(descriptor, Int32(IPPROTO_TCP), TCP_KEEPINTVL, Limits.keepAliveProbeSeconds)
        setOption(descriptor, Int32(IPPROTO_TCP), TCP_KEEPCNT, Limits.keepAliveProbes)
    }

    private static func setOption(
        _ descriptor: Int32,
        _ level: Int32,
        _ name: Int32,
        _ value: Int32
    ) {
        var value = value
        _ = unsafe setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    static func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        while true {
            let count = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .closed }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .closed
        }
    }

    /// How many bytes a socket holds that were not read.
    static func unreadCount(_ descriptor: Int32) -> Int {
        Int(bowerbird_unread_count(descriptor))
    }

    static func write(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) -> Transfer {
        while true {
            let count = unsafe send(
                descriptor,
                buffer.baseAddress,
                buffer.count,
                Int32(MSG_NOSIGNAL)
            )
            if count >= 0 { return .bytes(count) }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .closed
        }
    }

    /// Writes a file that must not exist yet.
    static func writeNew(
        _ path: String,
        mode: mode_t,
        _ bytes: [UInt8]
    ) throws(TransportError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure("write '\(path)'") }
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(
                    descriptor,
                    $0.baseAddress.map { unsafe $0 + written },
                    $0.count - written
                )
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("write '\(path)'") }
            written += count
        }
    }

    static func close(_ descriptor: Int32) {
        _ = Glibc.close(descriptor)
    }

    static func makeEventDescriptor() throws(TransportError) -> Int32 {
        let descriptor = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        guard descriptor >= 0 else { throw failure("eventfd") }
        return descriptor
    }

    static func signal(_ eventDescriptor: Int32) {
        var one: UInt64 = 1
        _ = unsafe Glibc.write(eventDescriptor, &one, 8)
    }

    static func clear(_ eventDescriptor: Int32) {
        var count: UInt64 = 0
        _ = unsafe Glibc.read(eventDescriptor, &count, 8)
    }
}
