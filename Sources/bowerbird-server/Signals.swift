import Glibc
import Primitives
import Synchronization

/// SIGTERM, SIGINT and SIGHUP, taken by the main thread.
enum Signals {
    private static var handled: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGTERM)
        unsafe sigaddset(&set, SIGINT)
        unsafe sigaddset(&set, SIGHUP)
        return set
    }

    /// Those that end the process.
    private static var endings: sigset_t {
        var set = handled
        unsafe sigdelset(&set, SIGHUP)
        return set
    }

    /// The thread that waits; set when it blocks the signals.
    private static let waiter = pthread_self()

    /// Threads that start after this do not take them either.
    ///
    /// Libraries may have started threads when they were loaded (OpenBLAS does), and the kernel may
    /// give them a signal: they pass it on.
    static func block() {
        _ = waiter
        var set = handled
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        for number in [SIGTERM, SIGINT, SIGHUP] {
            signal(number) { number in Signals.passOn(number) }
        }
        // A peer that left is an error of its connection, not of the process.
        signal(SIGPIPE, SIG_IGN)
    }

    private static func passOn(_ number: Int32) {
        if number == SIGHUP || isServing.load(ordering: .acquiring) {
            pthread_kill(waiter, number)
        } else {
            end(by: number)
        }
    }

    private static let isServing = Atomic<Bool>(false)

    /// Until `serve` a SIGTERM or SIGINT ends the process at once: nothing has begun that would
    /// have to end in order, and recovery may take minutes.
    static func endWhileStarting() {
        _ = Threads.start(name: "signals") {
            while !isServing.load(ordering: .acquiring) {
                guard let number = take(endings, milliseconds: 100) else { continue }
                // It may have come as serving began.
                passOn(number)
            }
        }
    }

    /// From now on `wait` takes them all.
    static func serve() {
        isServing.store(true, ordering: .releasing)
    }

    /// The next one ends the process at once, as by default.
    static func endAtNext() {
        for number in [SIGTERM, SIGINT] { signal(number) { number in Signals.end(by: number) } }
        var set = endings
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// What the signal does by default; to the first process of a container it does nothing.
    private static func end(by number: Int32) {
        if getpid() == 1 { _exit(128 + number) }
        signal(number, SIG_DFL)
        var set = endings
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
        raise(number)
    }

    /// Sleeps until one of them comes, or the time is over: then `nil`.
    static func wait(milliseconds: Int) -> Int32? {
        take(handled, milliseconds: milliseconds)
    }

    private static func take(_ signals: sigset_t, milliseconds: Int) -> Int32? {
        var set = signals
        var time = timespec(
            tv_sec: milliseconds / 1_000,
            tv_nsec: milliseconds % 1_000 * 1_000_000
        )
        let number = unsafe sigtimedwait(&set, nil, &time)
        return number > 0 ? number : nil
    }
}
