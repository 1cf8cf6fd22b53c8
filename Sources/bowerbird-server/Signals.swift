import Glibc

/// SIGTERM and SIGINT, taken by the main thread.
enum Signals {
    private static var handled: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGTERM)
        unsafe sigaddset(&set, SIGINT)
        return set
    }

    /// Threads that start after this do not take them either.
    static func block() {
        var set = handled
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        // A peer that left is an error of its connection, not of the process.
        signal(SIGPIPE, SIG_IGN)
    }

    /// The next one ends the process at once, as by default.
    static func endAtNext() {
        var set = handled
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Sleeps until one of them comes.
    static func wait() -> Int32 {
        var set = handled
        var number: Int32 = 0
        unsafe sigwait(&set, &number)
        return number
    }
}
