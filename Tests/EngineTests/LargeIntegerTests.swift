import Engine
import Primitives
import TestSupport
import Testing

/// Columns of longs that doubles can't tell apart: every answer is that of the integers.
@Suite
struct `Integers beyond 2^53` {
    /// A chunk whose integers are all doubles, one that has others, and the begin of a third.
    private static let count = 2 * 4_096 + 100

    private static let odd: [Int64?] = [
        nil, .min, .min + 1, -(1 << 53) - 1, -(1 << 53), -1, 0, 1, 1 << 53, (1 << 53) + 1,
        (1 << 53) + 2, .max - 1, .max,
    ]

    private static let comparisons: [(String, @Sendable (Int64, Int64) -> Bool)] = [
        ("=", { $0 == $1 }), ("<", { $0 < $1 }), ("<=", { $0 <= $1 }), (">", { $0 > $1 }),
        (">=", { $0 >= $1 }),
    ]

    private static func year(_ item: Int) -> Int64? {
        item < 4_096 ? Int64(item % 100) : odd[item % odd.count]
    }

    private static func item(_ number: Int, _ year: Int64?) -> EntityRecord {
        FilterWorld.item("i\(number)", nil, nil, nil, year, nil)
    }

    private static func world() throws -> World {
        let world = try World(fields: FilterWorld.fields)
        try world.run(
            .putItems(group: World.group, (0..<count).map { item($0, year($0)) })
        )
        return world
    }

    /// The places of the items that pass.
    private static func passing(
        _ world: World,
        _ expression: String,
        _ values: [String]
    ) throws -> Set<Int> {
        let ids = try world.passing(expression, World.Question(values: ["P": values]))
        return Set(ids.compactMap { Int($0.dropFirst()) })
    }

    private static func check(
        _ world: World,
        _ years: [Int64?],
        _ expression: String,
        _ values: [String],
        _ passes: (Int64?) -> Bool
    ) throws {
        let found = try passing(world, "INCLUDE ItemID WHERE Items.YEAR \(expression)", values)
        let expected = Set(years.indices.filter { passes(years[$0]) })
        #expect(found == expected, "\(expression) of \(values.prefix(3))")
    }

    @Test
    func `are compared with values as they are`() throws {
        let world = try Self.world()
        let years = (0..<Self.count).map { Self.year($0) }
        for bound in Self.odd.compactMap({ $0 }) {
            for (symbol, holds) in Self.comparisons {
                try Self.check(world, years, "\(symbol) $P", ["\(bound)"]) { year in
                    year.map { holds($0, bound) } ?? false
                }
            }
            try Self.check(world, years, "!= $P", ["\(bound)"]) { $0 != bound }
        }
        // Numbers that are no integers, or beyond all of them.
        try Self.check(world, years, "> $P", ["9.5"]) { ($0 ?? 0) > 9 }
        try Self.check(world, years, "< $P", ["-0.5"]) { ($0 ?? 0) < 0 }
        try Self.check(world, years, "<= $P", ["1e19"]) { $0 != nil }
        try Self.check(world, years, "> $P", ["-1e300"]) { $0 != nil }
        try Self.check(world, years, ">= $P", ["9223372036854775808"]) { _ in false }
        try Self.check(world, years, "< $P", ["-9223372036854775808"]) { _ in false }
        try Self.check(world, years, "BETWEEN $P AND 9007199254740993", ["-1"]) { year in
            year.map { (-1...9_007_199_254_740_993).contains($0) } ?? false
        }
    }

    @Test(arguments: [2, 256, 257, 2_000])
    func `are found in lists of any length`(length: Int) throws {
        let world = try Self.world()
        let years = (0..<Self.count).map { Self.year($0) }
        let values = (0..<length).map { Int64(1 << 53) + 1 + Int64($0) * 2 }
        for (expression, isNegated) in [("IN ($P)", false), ("NOT IN ($P)", true)] {
            try Self.check(world, years, expression, values.map { "\($0)" }) { year in
                (year.map { values.contains($0) } ?? false) != isNegated
            }
        }
    }

    @Test
    func `are followed from one that is rounded to its neighbour`() throws {
        let world = try Self.world()
        let exact = "INCLUDE ItemID WHERE Items.YEAR = $P"
        let one = "\((1 << 53) + 1)"
        // First in a chunk of doubles, among the last, and back.
        for place in [7, Self.count - 1] {
            let before = try Self.passing(world, exact, [one])
            try world.run(.putItems(group: World.group, [Self.item(place, 1 << 53)]))
            #expect(try Self.passing(world, exact, [one]) == before.subtracting([place]))
            try world.run(.putItems(group: World.group, [Self.item(place, (1 << 53) + 1)]))
            #expect(try Self.passing(world, exact, [one]) == before.union([place]))
            try world.run(.putItems(group: World.group, [Self.item(place, nil)]))
            #expect(try Self.passing(world, exact, [one]) == before.subtracting([place]))
            try world.run(.putItems(group: World.group, [Self.item(Self.count, 3)]))
            #expect(try Self.passing(world, exact, ["3"]).contains(Self.count))
        }
    }

    @Test
    func `take no memory in a chunk when the last of them is gone`() throws {
        let world = try World(fields: FilterWorld.fields)
        try world.run(.putItems(group: World.group, (0..<100).map { Self.item($0, 7) }))
        let before = world.store.currentRoot.columns.bytes
        try world.run(.putItems(group: World.group, [Self.item(8, .max)]))
        #expect(world.store.currentRoot.columns.bytes == before + 100 * 8)
        try world.run(.putItems(group: World.group, [Self.item(8, 1 << 53)]))
        #expect(world.store.currentRoot.columns.bytes == before)
        #expect(try Self.passing(world, "INCLUDE ItemID WHERE Items.YEAR > $P", ["8"]) == [8])
    }
}
