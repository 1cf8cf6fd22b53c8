/// What one reactor's thread offers to the code that runs on it.
///
/// Confined to that thread, except `mailbox`. Two conformers: `Reactor`, and the hand-driven loop
/// of the tests.
package protocol EventLoop: AnyObject {
    /// The position of this loop in its group, from 0.
    var index: Int { get }

    /// Where other threads leave work for this one.
    var mailbox: Mailbox { get }

    /// The monotonic clock, read once per loop turn.
    var nowNanoseconds: UInt64 { get }

    /// How long the turn that runs has taken so far; reads the clock.
    var turnElapsedNanoseconds: UInt64 { get }

    /// Whether so many calls come that the one which runs is not to be served, given how long calls
    /// may wait before the loop is overloaded.
    func isOverloaded(waitMaxNanoseconds: UInt64) -> Bool

    /// Runs `work` on this thread at the first turn at or after `deadlineNanoseconds`.
    ///
    /// Resolution is that of the timer wheel, about 4 ms; never early.
    func schedule(
        atNanoseconds deadlineNanoseconds: UInt64,
        _ work: @escaping () -> Void
    ) -> TimerToken

    /// Forgets a timer; nothing happens when it has fired already.
    func cancel(_ token: TimerToken)
}

/// Names one pending timer of one loop; never reused by that loop.
package struct TimerToken: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}
