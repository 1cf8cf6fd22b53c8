/// What an item's record says of whether somebody will like it, as a factor of its weight in the
/// exploration pool.
///
/// a = max(`floor`, c / C) of a closeness c = l², l the likeness of its record to the history, and
/// the largest C of the pool's. c is rounded down to a power of two, so that a list hardly ever
/// changes by what others write. Records may be wrong: an item that has nothing in common with a
/// history keeps `floor`, one of which no record speaks `unknown`. Where nothing in the pool has
/// anything in common with the history all factors are 1.
enum Affinity {
    static let floor: Float = 1 / 64
    static let unknown: Float = 1 / 8

    /// A power of two, or 0; negative where the likeness is.
    static func closeness(_ likeness: Float) -> Float {
        guard likeness > 0 else { return likeness }
        // The exponent alone.
        return Float(bitPattern: (likeness * likeness).bitPattern & 0x7F80_0000)
    }

    static func factor(_ closeness: Float, closest: Float) -> Float {
        guard closest > 0 else { return 1 }
        return closeness < 0 ? unknown : max(floor, closeness / closest)
    }
}
