import Primitives

/// How much of a connection is read at a time.
///
/// A few kilobytes may hold a hundred calls whose answers take long, and nobody else of the loop
/// has a turn before all of them. So a read grows while what it brings is worked off fast, and
/// shrinks when it is not.
struct ReadShare {
    private(set) var byteCount = Limits.readBytesFirst

    /// Whether the work on so many bytes is worth looking at the clock.
    func isMeasured(_ count: Int) -> Bool {
        count >= Limits.readBytesMin && (count == byteCount || byteCount < Limits.readBytesFirst)
    }

    /// A read of `count` bytes was worked off in this time.
    mutating func took(_ count: Int, nanoseconds: UInt64) {
        if nanoseconds > Limits.readSliceNanoseconds {
            byteCount = max(min(count, byteCount) / 4, Limits.readBytesMin)
        } else if nanoseconds < Limits.readSliceNanoseconds / 4 {
            byteCount = min(byteCount * 2, Limits.readBytesPerTurn)
        }
    }
}
