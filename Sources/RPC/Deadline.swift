/// The instant on the monotonic clock at which nobody waits for the answer any more.
package struct Deadline: Hashable, Comparable, Sendable {
    package let monotonicNanoseconds: UInt64

    package init(monotonicNanoseconds: UInt64) {
        self.monotonicNanoseconds = monotonicNanoseconds
    }

    /// The deadline `timeoutNanoseconds` after `now`; saturates at the end of time.
    package init(now: UInt64, timeoutNanoseconds: UInt64) {
        let (sum, overflow) = now.addingReportingOverflow(timeoutNanoseconds)
        monotonicNanoseconds = overflow ? .max : sum
    }

    package func hasPassed(now: UInt64) -> Bool {
        now >= monotonicNanoseconds
    }

    /// Nanoseconds that are left at `now`, 0 once passed.
    package func remainingNanoseconds(now: UInt64) -> UInt64 {
        monotonicNanoseconds > now ? monotonicNanoseconds - now : 0
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.monotonicNanoseconds < right.monotonicNanoseconds
    }
}
