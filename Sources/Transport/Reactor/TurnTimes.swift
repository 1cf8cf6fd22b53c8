import Primitives

/// The shortest turn of the last while, over two windows so that it never starts from nothing.
struct TurnTimes {
    private var current = UInt64.max
    private var previous: UInt64 = 0
    private var windowBegan: UInt64 = 0

    /// At least one of the last turns took no longer than this.
    var shortest: UInt64 { min(current, previous) }

    mutating func add(_ turn: UInt64, at now: UInt64) {
        if now &- windowBegan > UInt64(Limits.overloadWindowMS) * 1_000_000 {
            // A loop that slept meanwhile had nothing to do.
            let hasSlept = now &- windowBegan > UInt64(2 * Limits.overloadWindowMS) * 1_000_000
            previous = hasSlept && turn < 1_000_000 ? 0 : current == .max ? 0 : current
            current = .max
            windowBegan = now
        }
        current = min(current, turn)
    }
}
