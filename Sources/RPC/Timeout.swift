/// The grammar of `grpc-timeout`: one to eight digits and a unit.
package enum Timeout {
    private static let units: [(symbol: UInt8, nanoseconds: UInt64)] = [
        (UInt8(ascii: "n"), 1),
        (UInt8(ascii: "u"), 1_000),
        (UInt8(ascii: "m"), 1_000_000),
        (UInt8(ascii: "S"), 1_000_000_000),
        (UInt8(ascii: "M"), 60_000_000_000),
        (UInt8(ascii: "H"), 3_600_000_000_000),
    ]

    /// The duration in nanoseconds; nil when `text` is outside the grammar.
    ///
    /// 99,999,999 hours are 3.6e20 ns and do not fit, so the result stops at `UInt64.max`.
    package static func parse(_ text: String) -> UInt64? {
        let bytes = text.utf8
        guard bytes.count >= 2, bytes.count <= 9, let symbol = bytes.last else { return nil }
        guard let unit = units.first(where: { $0.symbol == symbol }) else { return nil }
        var value: UInt64 = 0
        for byte in bytes.dropLast() {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
        }
        let (product, overflow) = value.multipliedReportingOverflow(by: unit.nanoseconds)
        return overflow ? .max : product
    }

    /// The finest form of at most eight digits, rounded up so that a server never gives up first.
    package static func format(nanoseconds: UInt64) -> String {
        for unit in units {
            let (quotient, remainder) = nanoseconds.quotientAndRemainder(
                dividingBy: unit.nanoseconds
            )
            let value = remainder == 0 ? quotient : quotient + 1
            if value <= 99_999_999 {
                return String(value) + String(UnicodeScalar(unit.symbol))
            }
        }
        return "99999999H"
    }
}
