import CLinux
import Glibc

/// Threads with a name and a body.
package enum Threads {
    /// A started thread that nobody has joined yet.
    package struct Handle: Sendable {
        fileprivate let thread: pthread_t
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
        return Handle(thread: thread)
    }

    /// The calling thread runs only when nothing else wants to.
    package static func becomeIdle() {
        _ = bowerbird_set_thread_idle()
    }

    /// A small number of the calling thread's own, from 0.
    ///
    /// Costs one read of thread-local storage.
    package static var number: Int { Int(bowerbird_thread_number()) }

    package static func sleep(milliseconds: Int) {
        usleep(UInt32(milliseconds) * 1_000)
    }

    package static func join(_ handle: Handle) {
        pthread_join(handle.thread, nil)
    }
}
