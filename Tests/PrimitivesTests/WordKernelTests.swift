import CKernels
import Primitives
import Testing

/// Each kernel against the plain loop that it replaces.
@Suite
struct `Kernels on words and columns` {
    private static let sizes = [0, 1, 63, 64, 65, 500, 4_096]

    @Test
    func `join and count as loops do`() {
        var random = SeededGenerator(seed: 11)
        for count in Self.sizes {
            let left = (0..<count).map { _ in UInt64.random(in: 0 ... .max, using: &random) }
            let right = (0..<count).map { _ in UInt64.random(in: 0 ... .max, using: &random) }
            func joined(
                _ kernel: (UnsafeMutablePointer<UInt64>, UnsafePointer<UInt64>, Int) -> Void
            ) -> [UInt64] {
                var words = left
                kernel(&words, right, count)
                return words
            }
            #expect(joined { bowerbird_words_and($0, $1, $2) } == zip(left, right).map { $0 & $1 })
            #expect(joined { bowerbird_words_or($0, $1, $2) } == zip(left, right).map { $0 | $1 })
            #expect(
                joined { bowerbird_words_and_not($0, $1, $2) } == zip(left, right).map { $0 & ~$1 }
            )
            #expect(joined { words, _, n in bowerbird_words_not(words, n) } == left.map { ~$0 })
            #expect(
                bowerbird_words_count(left, count) == left.reduce(0) { $0 + $1.nonzeroBitCount }
            )
        }
    }

    @Test
    func `find values as loops do`() {
        var random = SeededGenerator(seed: 12)
        for count in Self.sizes {
            let codes = (0..<count).map { _ in UInt32.random(in: 0..<6, using: &random) }
            let numbers = (0..<count).map { _ in
                [.nan, -.infinity, -1, -0.0, 0, 1, 2.5, .infinity].randomElement(using: &random)
                    ?? 0
            }
            let before = (0..<(count + 63) / 64).map { _ in
                UInt64.random(in: 0 ... .max, using: &random)
            }
            func bits(_ passes: (Int) -> Bool) -> [UInt64] {
                var words = before
                for index in 0..<count where passes(index) {
                    words[index / 64] |= 1 << UInt64(index % 64)
                }
                return words
            }
            var words = before
            bowerbird_equal_bits(codes, count, 3, &words)
            #expect(words == bits { codes[$0] == 3 })
            words = before
            bowerbird_table_bits(codes, count, [0, 1, 0, 0, 1, 1], &words)
            #expect(words == bits { [1, 4, 5].contains(codes[$0]) })
            for (low, high) in [(0.0, 1.0), (-.infinity, .infinity), (2, 1), (2.5, 2.5)] {
                words = before
                bowerbird_range_bits(numbers, count, low, high, &words)
                #expect(words == bits { numbers[$0] >= low && numbers[$0] <= high })
            }
            // Neighbours that are one and the same double, and the ends of the range.
            let odd: [Int64] = [.min, .min + 1, -1, 0, 1, 1 << 53, (1 << 53) + 1, .max - 1, .max]
            let wholes = (0..<count).map { _ in odd.randomElement(using: &random) ?? 0 }
            for low in odd {
                for high in odd {
                    words = before
                    bowerbird_whole_range_bits(wholes, count, low, high, &words)
                    #expect(words == bits { wholes[$0] >= low && wholes[$0] <= high })
                }
            }
        }
    }

    private static let odd: [Int64?] = [
        nil, .min, .min + 1, -(1 << 53) - 1, -(1 << 53), -1, 0, 1, 1 << 53, (1 << 53) + 1,
        .max - 1, .max,
    ]

    @Test
    func `compare two columns of numbers as loops do`() {
        var random = SeededGenerator(seed: 13)
        let values: [Double] = [.nan, -0x1p63, -1, -0.0, 0, 1, 2.5, 0x1p53, 0x1p53 + 2, 0x1p63]
        for count in Self.sizes {
            let integers = (0..<count).map { _ in Self.odd.randomElement(using: &random) ?? 0 }
            let others = (0..<count).map { _ in Self.odd.randomElement(using: &random) ?? 0 }
            let doubles = (0..<count).map { _ in values.randomElement(using: &random) ?? 0 }
            let rounded = integers.map { $0.map { Double($0) } ?? .nan }
            let otherRounded = others.map { $0.map { Double($0) } ?? .nan }
            let wholes = integers.map { $0 ?? 0 }
            let otherWholes = others.map { $0 ?? 0 }
            func bits(_ passes: (Int) -> Bool) -> [UInt64] {
                var words = Self.empty(count)
                for index in 0..<count where passes(index) {
                    words[index / 64] |= 1 << UInt64(index % 64)
                }
                return words
            }
            var words = Self.empty(count)
            bowerbird_less_number_bits(doubles, rounded, count, &words)
            #expect(words == bits { doubles[$0] < rounded[$0] })
            words = Self.empty(count)
            bowerbird_same_number_bits(doubles, rounded, count, &words)
            #expect(words == bits { doubles[$0] == rounded[$0] })
            for isEqual in [false, true] {
                func holds<T: Comparable>(_ left: T?, _ right: T?) -> Bool {
                    guard let left, let right else { return false }
                    return isEqual ? left == right : left < right
                }
                // Twice the number, which is whole for all of them.
                func exact(_ place: Int) -> Int128? { Int128(exactly: doubles[place] * 2) }
                func twice(_ place: Int) -> Int128? { integers[place].map { Int128($0) * 2 } }
                words = Self.empty(count)
                bowerbird_exact_pair_bits(
                    rounded,
                    wholes,
                    otherRounded,
                    otherWholes,
                    count,
                    isEqual,
                    &words
                )
                #expect(words == bits { holds(integers[$0], others[$0]) })
                words = Self.empty(count)
                bowerbird_exact_pair_bits(rounded, wholes, doubles, nil, count, isEqual, &words)
                #expect(words == bits { holds(twice($0), exact($0)) })
                words = Self.empty(count)
                bowerbird_exact_pair_bits(doubles, nil, rounded, wholes, count, isEqual, &words)
                #expect(words == bits { holds(exact($0), twice($0)) })
            }
        }
    }

    @Test
    func `compare two columns of codes as loops do`() {
        var random = SeededGenerator(seed: 14)
        for count in Self.sizes {
            let codes = (0..<count).map { _ in UInt32.random(in: 0..<3, using: &random) }
            let others = (0..<count).map { _ in UInt32.random(in: 0..<3, using: &random) }
            var words = Self.empty(count)
            bowerbird_same_code_bits(codes, others, count, &words)
            var expected = Self.empty(count)
            for place in 0..<count where codes[place] == others[place] && codes[place] > 0 {
                expected[place / 64] |= 1 << UInt64(place % 64)
            }
            #expect(words == expected)
        }
    }

    private static func empty(_ count: Int) -> [UInt64] {
        [UInt64](repeating: 0, count: (count + 63) / 64)
    }
}
