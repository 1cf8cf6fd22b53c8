/// A short ASCII text of hexadecimal numbers, made in one piece.
package struct HexText {
    private var bytes = InlineArray<64, UInt8>(repeating: 0)
    private var count = 0

    /// No characters.
    package init() {}

    package var isEmpty: Bool { count == 0 }

    /// At most 64 characters in all; what is beyond traps.
    package mutating func append(_ character: Unicode.Scalar) {
        bytes[count] = UInt8(ascii: character)
        count += 1
    }

    /// The lowest `count` digits of a number, in lower case.
    package mutating func append(digits count: Int, of number: UInt64) {
        for digit in (0..<count).reversed() {
            let nibble = UInt8(truncatingIfNeeded: number >> UInt64(4 * digit)) & 0xF
            bytes[self.count] = nibble + (nibble < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
            self.count += 1
        }
    }

    /// A number without leading zeros.
    package mutating func append(_ number: UInt64) {
        append(digits: max(1, (67 - number.leadingZeroBitCount) / 4), of: number)
    }

    /// Runs `body` with the characters; allocates nothing.
    package func withRawSpan<R>(_ body: (RawSpan) -> R) -> R {
        unsafe body(bytes.span.bytes.extracting(first: count))
    }

    package var text: String {
        unsafe String(unsafeUninitializedCapacity: count) { buffer in
            for index in 0..<count { unsafe buffer[index] = bytes[index] }
            return count
        }
    }
}
