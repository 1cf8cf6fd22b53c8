import Glibc

/// Where time comes from; a parameter, never a global.
///
/// Two conformers: `SystemClock`, and the fake clock of the tests.
package protocol Clock: Sendable {
    /// The wall clock, for stored times.
    func now() -> Timestamp

    /// Nanoseconds of a clock that never goes back, for deadlines and durations.
    func monotonicNanoseconds() -> UInt64
}

/// The kernel's clocks.
package struct SystemClock: Clock {
    package init() {}

    package func now() -> Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package func monotonicNanoseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
