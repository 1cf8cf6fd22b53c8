import Primitives

/// Whether calls of one loop have waited so long that they are refused.
///
/// After CoDel (Nichols and Jacobson, 2012): a queue that empties now and then is a burst and is
/// worked off; one that stands, and is longer than clients make that wait for their answers, is
/// overload. Then the loop refuses what has waited for a small part of that, so that those it
/// serves hardly wait, until it has had nothing to refuse for a while. The queue is in the sockets:
/// a turn tells how long what it found had waited there.
struct OverloadGate {
    /// Since when every turn has found something that had waited.
    private var standsSince: UInt64?
    /// The time that the loop had worked by then.
    private var workedBefore: UInt64 = 0
    private var refusedAt: UInt64?

    /// Takes the longest wait that a turn found; 0 when nothing had waited.
    ///
    /// `worked` is the time that the loop has had a processor; asked for seldom, here and below.
    mutating func add(wait: UInt64, at now: UInt64, worked: @autoclosure () -> UInt64) {
        if wait <= Limits.standingWaitNanoseconds {
            standsSince = nil
        } else if standsSince == nil {
            standsSince = now
            workedBefore = worked()
        }
    }

    /// Whether calls have to be looked at; without asking the clock.
    func isWatching(at now: UInt64) -> Bool {
        isRefusing(at: now) || Self.isPast(standsSince, Limits.overloadWindowMS, at: now)
    }

    /// Whether a watched call is refused that has waited for `wait`.
    mutating func refuses(
        wait: UInt64,
        over waitMax: UInt64,
        at now: UInt64,
        worked: @autoclosure () -> UInt64
    ) -> Bool {
        if isRefusing(at: now) {
            guard wait > waitMax / Limits.overloadWaitShare else { return false }
        } else {
            guard wait > waitMax, let standsSince, now > standsSince else { return false }
            // Of a wait for the machine, which does other things, the loop is not the reason.
            let part = Double(worked() &- workedBefore) / Double(now - standsSince)
            guard Double(wait) * part > Double(waitMax) else { return false }
        }
        refusedAt = now
        return true
    }

    private func isRefusing(at now: UInt64) -> Bool {
        refusedAt != nil && !Self.isPast(refusedAt, Limits.overloadHoldMS, at: now)
    }

    private static func isPast(_ since: UInt64?, _ milliseconds: Int, at now: UInt64) -> Bool {
        guard let since else { return false }
        return now &- since >= UInt64(milliseconds) * 1_000_000
    }
}
