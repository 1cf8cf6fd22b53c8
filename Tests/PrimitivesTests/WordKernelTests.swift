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
}
