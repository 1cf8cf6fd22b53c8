import CLinux
import Glibc
import Synchronization

/// Threads with a name and a body.
package enum Threads {
    /// A started thread.
    ///
    /// One that nobody joins gives its stack back when it ends, and needs not be held.
    package final class Handle: Sendable {
        private let thread: pthread_t
        private let isJoined = Atomic<Bool>(false)

        fileprivate init(_ thread: pthread_t) {
            self.thread = thread
        }

        fileprivate func join() {
            guard !isJoined.exchange(true, ordering: .relaxed) else { return }
            pthread_join(thread, nil)
        }

        deinit {
            if !isJoined.load(ordering: .relaxed) { pthread_detach(thread) }
        }
    }

    private final class Body {
        let run: @Sendable () -> Void
        let name: String

        init(name: String, _ run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Starts a thread; `nil` when the system has none left.
    package static func start(
        name: String,
        _ body: @escaping @Sendable () -> Void
    ) -> Handle? {
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(Body(name: name, body)).toOpaque()
        let result = unsafe pthread_create(
            &thread,
            nil,
            { raw in
                guard let raw = unsafe raw else { return nil }
                let body = unsafe Unmanaged<Body>.fromOpaque(raw).takeRetainedValue()
                _ = unsafe bowerbird_set_thread_name(String(body.name.prefix(15)))
                body.run()
                return nil
            },
            context
        )
        guard result == 0 else {
            unsafe Unmanaged<Body>.fromOpaque(context).release()
            return nil
        }
        return Handle(thread)
    }

    /// The calling thread runs only when nothing else wants to.
    package static func becomeIdle() {
        _ = bowerbird_set_thread_idle()
    }

    /// A small number of the calling thread's own, from 0.
    ///
    /// Costs one read of thread-local storage.
    package static var number: Int { Int(bowerbird_thread_number()) }

    /// The time that the calling thread has had a processor; a system call.
    package static var workedNanoseconds: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    package static func sleep(milliseconds: Int) {
        usleep(UInt32(milliseconds) * 1_000)
    }

    package static func join(_ handle: Handle) {
        handle.join()
    }
}
