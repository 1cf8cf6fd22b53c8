import Primitives

/// A token bucket for the frames that cost a peer nothing and us something.
struct FrameBudget {
    private var tokens: Int = Limits.cheapFramesBurst
    private var refilledNanoseconds: UInt64

    init(nowNanoseconds: UInt64) {
        refilledNanoseconds = nowNanoseconds
    }

    /// The peer was sent something, and may answer by a few such frames.
    mutating func earn(_ count: Int) {
        tokens = min(tokens + count, Limits.cheapFramesBurst)
    }

    /// Takes `count` tokens; false when the peer has used up its budget.
    mutating func spend(_ count: Int, nowNanoseconds: UInt64) -> Bool {
        tokens -= count
        guard tokens < 0 else { return true }
        let elapsed = nowNanoseconds &- refilledNanoseconds
        let earned =
            Int(min(elapsed / 1_000, 3_600_000_000)) * Limits.cheapFramesPerSecond / 1_000_000
        tokens = min(tokens + earned, Limits.cheapFramesBurst)
        refilledNanoseconds = nowNanoseconds
        return tokens >= 0
    }
}
