/// A finite number, compared by its exact mathematical value.
///
/// Columns of type long hold integers that a `Double` would round. A double of integral value in
/// the range of `Int64` is kept as an integer, so that equal numbers are equal values.
package enum FilterNumber: Hashable, Sendable {
    case integer(Int64)
    /// Never integral within the range of `Int64`, never NaN or infinite.
    case fraction(Double)

    package init(_ value: Int64) {
        self = .integer(value)
    }

    /// - Returns: `nil` for NaN and the infinities.
    package init?(_ value: Double) {
        guard value.isFinite else { return nil }
        self = Int64(exactly: value).map { .integer($0) } ?? .fraction(value)
    }

    /// An instant as epoch seconds.
    package init(epochMilliseconds: Int64) {
        let (seconds, rest) = epochMilliseconds.quotientAndRemainder(dividingBy: 1_000)
        self = rest == 0 ? .integer(seconds) : .fraction(Double(epochMilliseconds) / 1_000)
    }

    /// Rounded to a `Double`, where it is an integer beyond 2^53.
    package var rounded: Double {
        switch self {
        case .integer(let value): Double(value)
        case .fraction(let value): value
        }
    }
}

extension FilterNumber: Comparable {
    package static func < (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): left < right
        case (.fraction(let left), .fraction(let right)): left < right
        case (.integer(let left), .fraction(let right)): isLess(left, right)
        case (.fraction(let left), .integer(let right)): !isLess(right, left)
        }
    }

    /// Whether an integer is below a number that is not an integer of its range.
    private static func isLess(_ integer: Int64, _ fraction: Double) -> Bool {
        if fraction >= 0x1p63 { return true }
        if fraction < -0x1p63 { return false }
        return integer <= Int64(fraction.rounded(.down))
    }
}

extension FilterNumber: CustomStringConvertible {
    /// The shortest text that reads back as the same number.
    package var description: String {
        switch self {
        case .integer(let value): String(value)
        case .fraction(let value): String(value)
        }
    }
}
