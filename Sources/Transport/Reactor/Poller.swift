import CLinux
import Glibc

/// One epoll instance: which descriptors are ready, level-triggered.
@safe
struct Poller: ~Copyable {
    /// A ready descriptor, as it was registered.
    struct Ready {
        let token: UInt64
        let isReadable: Bool
        let isWritable: Bool
    }

    private let descriptor: Int32
    private let events: UnsafeMutableBufferPointer<epoll_event>

    init() throws(TransportError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw SystemCalls.failure("epoll_create1") }
        unsafe events = .allocate(capacity: 256)
        unsafe events.initialize(repeating: epoll_event())
    }

    deinit {
        SystemCalls.close(descriptor)
        unsafe events.deallocate()
    }

    func add(_ target: Int32, token: UInt64, writable: Bool) {
        control(EPOLL_CTL_ADD, target, token: token, writable: writable)
    }

    func change(_ target: Int32, token: UInt64, writable: Bool) {
        control(EPOLL_CTL_MOD, target, token: token, writable: writable)
    }

    func remove(_ target: Int32) {
        var event = unsafe epoll_event()
        _ = unsafe epoll_ctl(descriptor, EPOLL_CTL_DEL, target, &event)
    }

    private func control(_ operation: Int32, _ target: Int32, token: UInt64, writable: Bool) {
        var event = unsafe epoll_event()
        unsafe event.events =
            EPOLLIN.rawValue | EPOLLRDHUP.rawValue | (writable ? EPOLLOUT.rawValue : 0)
        unsafe event.data.u64 = token
        _ = unsafe epoll_ctl(descriptor, operation, target, &event)
    }

    /// Waits up to `timeoutMS` (-1: for ever), tells `awake` whether it will see all that are
    /// ready, and calls `body` for each.
    func wait(timeoutMS: Int32, awake: (_ isWhole: Bool) -> Void, _ body: (Ready) -> Void) {
        let count = unsafe epoll_wait(
            descriptor,
            events.baseAddress,
            Int32(events.count),
            timeoutMS
        )
        awake(unsafe Int(count) < events.count)
        guard count > 0 else { return }
        for index in 0..<Int(count) {
            let event = unsafe events[index]
            let flags = unsafe event.events
            let broken = flags & (EPOLLHUP.rawValue | EPOLLERR.rawValue | EPOLLRDHUP.rawValue) != 0
            body(
                Ready(
                    token: unsafe event.data.u64,
                    isReadable: broken || flags & EPOLLIN.rawValue != 0,
                    isWritable: flags & EPOLLOUT.rawValue != 0
                )
            )
        }
    }
}
