import Glibc

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
            signal(number) { number in _ = pthread_kill(Signals.waiter, number) }
        }
        // A peer that left is an error of its connection, not of the process.
        signal(SIGPIPE, SIG_IGN)
    }

    /// The next one ends the process at once, as by default.
    static func endAtNext() {
        for number in [SIGTERM, SIGINT] { signal(number, SIG_DFL) }
        var set = handled
        unsafe sigdelset(&set, SIGHUP)
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Sleeps until one of them comes, or the time is over: then `nil`.
    static func wait(milliseconds: Int) -> Int32? {
        var set = handled
        var time = timespec(
            tv_sec: milliseconds / 1_000,
            tv_nsec: milliseconds % 1_000 * 1_000_000
        )
        let number = unsafe sigtimedwait(&set, nil, &time)
        return number > 0 ? number : nil
    }
}
