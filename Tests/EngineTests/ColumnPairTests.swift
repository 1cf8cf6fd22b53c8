import Engine
import Primitives
import Resources
import TestSupport
import Testing

/// Two columns of the same item, in several chunks, beside plain comparisons of their values.
@Suite
struct `Columns of one item compared` {
    private static let fields: [DatasetKind: [SchemaField]] = [
        .items: [
            SchemaField(name: "ITEM_ID", type: .string),
            SchemaField(name: "BRAND", type: .string, isNullable: true),
            SchemaField(name: "MAKER", type: .string, isNullable: true),
            SchemaField(name: "GENRE", type: .string, isNullable: true, isCategorical: true),
            SchemaField(name: "TAGS", type: .string, isNullable: true, isCategorical: true),
            SchemaField(name: "PRICE", type: .double, isNullable: true),
            SchemaField(name: "LIST", type: .double, isNullable: true),
            SchemaField(name: "FIRST", type: .long, isNullable: true),
            SchemaField(name: "LAST", type: .long, isNullable: true),
            SchemaField(name: "NEW", type: .boolean, isNullable: true),
            SchemaField(name: "SOLD", type: .boolean, isNullable: true),
        ]
    ]

    private static let texts = ["BRAND", "MAKER", "GENRE", "TAGS"]
    private static let numbers = ["PRICE", "LIST", "FIRST", "LAST"]
    private static let count = 2 * 4_096 + 70

    private struct Item {
        var texts: [String?]
        var doubles: [Double?]
        var longs: [Int64?]
        var flags: [Bool?]
    }

    private static func item(_ random: inout SeededGenerator, isLarge: Bool) -> Item {
        func one<T>(_ values: [T], _ random: inout SeededGenerator) -> T? {
            values.randomElement(using: &random)
        }
        let singles = [nil, "a", "b", "a|b", "é", "e\u{301}", ""]
        let several = [nil, "a", "b|a", "é|x", "|", "c"]
        let doubles = [nil, -1, 0.5, 3, 0x1p53, 0x1p63, -0x1p63]
        let small: [Int64?] = [nil, -1, 0, 3, 7]
        let large = small + [1 << 53, (1 << 53) + 1, (1 << 53) + 2, .max, .max - 1, .min, .min + 1]
        let longs = isLarge ? large : small
        let flags = [nil, true, false]
        return Item(
            texts: [
                one(singles, &random) ?? nil, one(singles, &random) ?? nil,
                one(several, &random) ?? nil, one(several, &random) ?? nil,
            ],
            doubles: [one(doubles, &random) ?? nil, one(doubles, &random) ?? nil],
            longs: [one(longs, &random) ?? nil, one(small, &random) ?? nil],
            flags: [one(flags, &random) ?? nil, one(flags, &random) ?? nil]
        )
    }

    private static func record(_ place: Int, _ item: Item) -> EntityRecord {
        let values: [[PropertyValue]] = [
            item.texts.map { $0.map { .string($0) } ?? .null },
            item.doubles.map { $0.map { .double($0) } ?? .null },
            item.longs.map { $0.map { .integer($0) } ?? .null },
            item.flags.map { $0.map { .boolean($0) } ?? .null },
        ]
        return EntityRecord(
            id: "i\(place)",
            properties: RecordProperties(values: Array(values.joined()))
        )
    }

    /// A shop whose middle chunk has longs that doubles can't tell apart.
    private static func shop(_ random: inout SeededGenerator) throws -> (World, [Item]) {
        let world = try World(fields: fields)
        let items = (0..<count).map { place in
            var made = item(&random, isLarge: (4_096..<8_192).contains(place))
            // Some are named after themselves, or after another.
            let id = "i\(place / 100 * 100)"
            if place % 50 == 0 { made.texts = [id, id, "a|\(id)", "\(id)|b"] }
            return made
        }
        let records = items.enumerated().map { record($0.offset, $0.element) }
        try world.run(.putItems(group: World.group, records))
        return (world, items)
    }

    private static func check(
        _ world: World,
        _ items: [Item],
        _ condition: String,
        _ passes: (Int, Item) -> Bool
    ) throws {
        let found = try world.passing("INCLUDE ItemID WHERE \(condition)")
        let expected = items.indices.filter { passes($0, items[$0]) }
        #expect(Set(found) == Set(expected.map { "i\($0)" }), "\(condition)")
        #expect(!expected.isEmpty && expected.count < items.count, "\(condition)")
    }

    private static func checkTexts(_ world: World, _ items: [Item]) throws {
        func parts(_ item: Item, _ column: Int) -> [[UInt8]]? {
            guard let text = item.texts[column].map({ Array($0.utf8) }) else { return nil }
            if column < 2 { return [text] }
            return text.split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: false)
                .map { Array($0) }
        }
        func haveCommon(_ left: [[UInt8]]?, _ right: [[UInt8]]?) -> Bool {
            (left ?? []).contains { (right ?? []).contains($0) }
        }
        for (left, name) in texts.enumerated() {
            for (right, other) in texts.enumerated() where left != right {
                let same: (Int, Item) -> Bool = { haveCommon(parts($1, left), parts($1, right)) }
                try check(world, items, "Items.\(name) = Items.\(other)", same)
                try check(world, items, "Items.\(name) NOT IN Items.\(other)") { !same($0, $1) }
            }
            let isNamed: (Int, Item) -> Bool = {
                haveCommon(parts($1, left), [Array("i\($0)".utf8)])
            }
            try check(world, items, "Items.ITEM_ID IN Items.\(name)", isNamed)
            try check(world, items, "Items.\(name) != Items.ITEM_ID") { !isNamed($0, $1) }
        }
    }

    private static func checkNumbers(_ world: World, _ items: [Item]) throws {
        // An integer is the same number as a double only if both are that integer exactly.
        func order(_ item: Item, _ left: Int, _ right: Int) -> Int? {
            func number(_ column: Int) -> FilterNumber? {
                column < 2
                    ? item.doubles[column].flatMap { FilterNumber($0) }
                    : item.longs[column - 2].map { FilterNumber($0) }
            }
            guard let left = number(left), let right = number(right) else { return nil }
            return left < right ? -1 : right < left ? 1 : 0
        }
        let comparisons: [(String, (Int?) -> Bool)] = [
            ("=", { $0 == 0 }), ("!=", { $0 != 0 }), ("<", { $0 == -1 }), (">", { $0 == 1 }),
            ("<=", { $0 == -1 || $0 == 0 }), (">=", { $0 == 1 || $0 == 0 }),
        ]
        for (left, name) in numbers.enumerated() {
            for (right, other) in numbers.enumerated() where left != right {
                for (symbol, holds) in comparisons {
                    try check(world, items, "Items.\(name) \(symbol) Items.\(other)") { _, item in
                        holds(order(item, left, right))
                    }
                }
            }
        }
        for negation in ["", "NOT "] {
            let condition = "Items.FIRST \(negation)BETWEEN Items.PRICE AND Items.LAST"
            try check(world, items, condition) { _, item in
                let isBetween =
                    (order(item, 2, 0) ?? -1) >= 0 && (order(item, 2, 3) ?? 1) <= 0
                return isBetween == negation.isEmpty
            }
        }
        try check(world, items, "Items.NEW = Items.SOLD") { _, item in
            item.flags[0] != nil && item.flags[0] == item.flags[1]
        }
    }

    @Test(arguments: 1...2)
    func `pass as their values do, after every write`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var (world, items) = try Self.shop(&random)
        try Self.checkTexts(world, items)
        try Self.checkNumbers(world, items)
        // Texts that are new to one of two columns, then to the other; a chunk that begins to
        // hold longs that are rounded; and an item behind the last.
        let changes: [[(Int, String?, String?)]] = [
            [(3, "new", "old"), (5_000, nil, "one|new")], [(8_200, "old", "new"), (4, "one", nil)],
            [(Self.count, "last", "last")],
        ]
        for change in changes {
            for (place, text, other) in change {
                var item = Self.item(&random, isLarge: true)
                item.texts = [text, other, other, text]
                item.longs = [(1 << 53) + 1, 3]
                item.doubles = [0x1p53, 0x1p53 + 2]
                if place < items.count { items[place] = item } else { items.append(item) }
                try world.run(.putItems(group: World.group, [Self.record(place, item)]))
            }
            try Self.checkTexts(world, items)
            try Self.checkNumbers(world, items)
        }
    }
}
