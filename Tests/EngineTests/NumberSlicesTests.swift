import Engine
import Primitives
import Testing

/// Slices against the plain comparison of each number.
@Suite
struct `Slices of numbers` {
    private static let sizes = [0, 1, 63, 64, 65, 511, 1_000, 4_096]

    private static let odd: [Double] = [
        .nan, -.nan, -.infinity, -.greatestFiniteMagnitude, -1, -.leastNormalMagnitude,
        -.leastNonzeroMagnitude, -0.0, 0, .leastNonzeroMagnitude, .leastNormalMagnitude, 1,
        1.0.nextUp, 9_007_199_254_740_992, .greatestFiniteMagnitude, .infinity,
    ]

    /// What columns hold, by name.
    private static let families: [(name: String, number: @Sendable (inout Random) -> Double)] = [
        ("prices", { .random(in: 0..<100, using: &$0) }),
        ("prices and nulls", { $0.isOneOf(3) ? .nan : .random(in: -5..<5, using: &$0) }),
        ("years", { Double(Int.random(in: 1_900..<2_030, using: &$0)) }),
        ("integers", { Double(Int64.random(in: -1_000_000...1_000_000, using: &$0)) }),
        ("booleans", { $0.isOneOf(2) ? 1 : 0 }),
        ("instants", { 1_700_000_000_000 + Double(Int64.random(in: 0..<1 << 32, using: &$0)) }),
        ("one number", { _ in 19.99 }),
        ("one number and nulls", { $0.isOneOf(2) ? .nan : -3 }),
        ("zeros", { $0.isOneOf(2) ? 0.0 : -0.0 }),
        ("nulls", { _ in .nan }),
        ("any bits", { Double(bitPattern: .random(in: 0 ... .max, using: &$0)) }),
        ("odd numbers", { odd.randomElement(using: &$0) ?? 0 }),
        ("powers of two", { Double(1 << Int.random(in: 0..<8, using: &$0)) }),
    ]

    private struct Random: RandomNumberGenerator {
        private var generator: SeededGenerator

        init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

        mutating func next() -> UInt64 { generator.next() }

        mutating func isOneOf(_ count: Int) -> Bool {
            Int.random(in: 0..<count, using: &self) == 0
        }
    }

    @Test(arguments: families.map(\.name))
    func `find what lies between two bounds`(name: String) throws {
        let family = try #require(Self.families.first { $0.name == name })
        for (round, size) in Self.sizes.enumerated() {
            let seed = UInt64(100 + round)
            var random = Random(seed: seed)
            let numbers = (0..<size).map { _ in family.number(&random) }
            let slices = NumberSlices(numbers)
            for _ in 0..<24 {
                let bounds = Self.bounds(numbers, family.number, &random)
                let before = (0..<66).map { _ in UInt64.random(in: 0 ... .max, using: &random) }
                var words = before
                slices.fill(bounds, into: &words, at: 1)
                var expected = before
                for (place, number) in numbers.enumerated() where bounds.contains(number) {
                    expected[1 + place / 64] |= 1 << UInt64(place % 64)
                }
                #expect(words == expected, "seed \(seed): \(size) \(name) in \(bounds)")
            }
        }
    }

    /// Bounds that are numbers of the column or right beside them, open ones, and any.
    private static func bounds(
        _ numbers: [Double],
        _ another: (inout Random) -> Double,
        _ random: inout Random
    ) -> ClosedRange<Double> {
        var ends: [Double] = []
        while ends.count < 2 {
            var end = numbers.randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<8, using: &random) {
            case 0: end = end.nextUp
            case 1: end = end.nextDown
            case 2: end = another(&random)
            case 3: end = odd.randomElement(using: &random) ?? 0
            case 4: end = Double(bitPattern: .random(in: 0 ... .max, using: &random))
            case 5: end = -end
            default: break
            }
            if !end.isNaN { ends.append(end) }
            if ends.isEmpty && random.isOneOf(5) { ends.append(-.infinity) }
            if ends.count == 1 && random.isOneOf(5) { ends.append(.infinity) }
            if ends.count == 1 && random.isOneOf(5) { ends.append(ends[0]) }
        }
        return min(ends[0], ends[1])...max(ends[0], ends[1])
    }

    @Test
    func `take no place for what all numbers have in common`() {
        func bytes(_ number: (Int) -> Double) -> Int {
            NumberSlices((0..<4_096).map(number)).byteCount
        }
        // One slice says which are null.
        #expect(bytes { _ in 19.99 } == 512)
        #expect(bytes { $0 % 2 == 0 ? 19.99 : .nan } == 512)
        #expect(bytes { _ in .nan } == 512)
        #expect(bytes { $0 % 2 == 0 ? 0.0 : -0.0 } == 512)
        // 2,000 and 2,001 differ in one bit, 1,024 to 2,047 in ten.
        #expect(bytes { Double(2_000 + $0 % 2) } == 2 * 512)
        #expect(bytes { Double(1_024 + $0 % 1_024) } == 11 * 512)
    }
}
