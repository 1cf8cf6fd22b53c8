import Primitives

/// How long what a loop works on had waited before its turn.
///
/// A socket that is ready and was not when the loop looked last became so since then; and when the
/// loop had to sleep for it, just now. A socket that still held bytes knows better, by its
/// `ArrivalMarks`.
struct Waits {
    /// Since when the bytes have waited that are worked on.
    private(set) var workSince: UInt64 = 0
    /// Whether a read of this turn left bytes in a socket.
    var hasLeftUnread = false
    private var turnBegan: UInt64 = 0
    private var turnEnded: UInt64 = 0
    /// When the loop last looked at all sockets, before this turn.
    private var looked: UInt64 = 0
    private var willHaveLooked: UInt64 = 0
    private var oldest: UInt64 = 0

    /// The longest wait before this turn.
    var longest: UInt64 { turnBegan &- oldest }

    /// A turn begins with a look, at all that are ready or at a part of them.
    ///
    /// - Returns: Whether the loop slept before it, so that nothing waited.
    mutating func beginTurn(at now: UInt64, isWhole: Bool) -> Bool {
        // Bytes that a read has left don't let it sleep; the thread was held up.
        let hasSlept = !hasLeftUnread && now &- turnEnded > Limits.loopSleepNanoseconds
        looked = hasSlept ? now : willHaveLooked
        if isWhole || hasSlept { willHaveLooked = now }
        hasLeftUnread = false
        turnBegan = now
        oldest = now
        return hasSlept
    }

    /// Work begins on bytes that have waited since a moment; `nil` when their socket was empty.
    mutating func begin(since: UInt64?) {
        workSince = since ?? looked
        oldest = min(oldest, workSince)
    }

    mutating func endTurn(at now: UInt64) {
        turnEnded = now
    }
}
