import Engine
import Primitives
import Resources
import TestSupport
import Testing

@Suite
struct `Compiled filters` {
    private static let ann = Question(user: "ann", nowMS: 1_000_000)

    private static let table: [(String, Question, [String])] = [
        // Columns of every kind, nulls among them.
        (#"INCLUDE ItemID WHERE Items.GENRE IN ("kitchen")"#, ann, ["lamp"]),
        (#"INCLUDE ItemID WHERE Items.GENRE IN ("kit")"#, ann, []),
        (#"INCLUDE ItemID WHERE Items.GENRE NOT IN ("bath")"#, ann, ["rug", "sofa", "void"]),
        (#"INCLUDE ItemID WHERE Items.BRAND = "Lux""#, ann, ["lamp"]),
        (#"EXCLUDE ItemID WHERE Items.BRAND != "Lux""#, ann, ["lamp"]),
        ("INCLUDE ItemID WHERE Items.PRICE < 900", ann, ["lamp"]),
        ("INCLUDE ItemID WHERE Items.PRICE <= 900", ann, ["lamp", "sofa"]),
        ("INCLUDE ItemID WHERE NOT (Items.PRICE < 900)", ann, ["rug", "sofa", "void"]),
        ("INCLUDE ItemID WHERE Items.YEAR BETWEEN 1999 AND 2000", ann, ["lamp"]),
        ("INCLUDE ItemID WHERE Items.IN_STOCK = TRUE", ann, ["lamp"]),
        ("EXCLUDE ItemID WHERE Items.IN_STOCK = FALSE", ann, ["lamp", "rug", "void"]),
        ("INCLUDE ItemID WHERE Items.PRICE IS NULL", ann, ["rug", "void"]),
        ("INCLUDE ItemID WHERE Items.GENRE IS NOT NULL", ann, ["lamp", "sofa"]),
        ("INCLUDE ItemID WHERE Items.PRICE < Items.LIST_PRICE", ann, ["lamp"]),
        (#"INCLUDE ItemID WHERE Items.ITEM_ID IN ("rug", "nobody")"#, ann, ["rug"]),
        (#"EXCLUDE ItemID WHERE Items.ITEM_ID = "rug""#, ann, ["lamp", "sofa", "void"]),
        // The clock.
        ("INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP > NOW - 1 HOURS", ann, ["lamp"]),
        (
            "INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP > NOW - 1 HOURS",
            Question(user: "ann", nowMS: 4_601_000), []
        ),
        // Parameters.
        (
            "INCLUDE ItemID WHERE Items.GENRE IN ($G)",
            Question(values: ["G": ["living", "bath"]]), ["lamp", "sofa"]
        ),
        (
            "INCLUDE ItemID WHERE Items.PRICE <= $MAX",
            Question(values: ["MAX": ["20"]]), ["lamp"]
        ),
        (
            "EXCLUDE ItemID WHERE Items.PRICE > $MIN AND Items.YEAR > 2000",
            Question(), ["lamp", "rug", "void"]
        ),
        ("EXCLUDE ItemID WHERE Items.PRICE > $MIN", Question(), ["lamp", "rug", "sofa", "void"]),
        // The user and the item of the request.
        ("INCLUDE ItemID WHERE Items.PRICE < CurrentUser.BUDGET", ann, ["lamp"]),
        ("INCLUDE ItemID WHERE Items.PRICE < CurrentUser.BUDGET", Question(user: "bob"), []),
        (
            #"INCLUDE ItemID WHERE Items.YEAR < 2000 IF CurrentUser.TIER IN ("gold")"#, ann,
            ["lamp"]
        ),
        (
            #"INCLUDE ItemID WHERE Items.YEAR < 2000 IF CurrentUser.TIER IN ("gold")"#,
            Question(user: "bob"), ["lamp", "rug", "sofa", "void"]
        ),
        (
            "INCLUDE ItemID WHERE Items.PRICE > CurrentItem.PRICE", Question(item: "lamp"),
            ["sofa"]
        ),
        (
            "INCLUDE ItemID WHERE Items.GENRE IN CurrentItem.GENRE", Question(item: "lamp"),
            ["lamp"]
        ),
        // The history.
        ("EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (*)", ann, ["sofa", "void"]),
        (
            #"EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")"#, ann,
            ["rug", "sofa", "void"]
        ),
        (#"INCLUDE ItemID WHERE Interactions.EVENT_TYPE NOT IN ("view")"#, ann, ["lamp"]),
        ("INCLUDE ItemID WHERE Interactions.EVENT_VALUE >= 19.99", ann, ["lamp"]),
        ("INCLUDE ItemID WHERE Interactions.EVENT_VALUE IS NULL", ann, ["lamp"]),
        (#"INCLUDE ItemID WHERE Interactions.DEVICE IN ("desk")"#, ann, ["lamp"]),
        ("INCLUDE ItemID WHERE Interactions.STARS > 4", ann, ["lamp"]),
        ("INCLUDE ItemID WHERE Interactions.STARS IS NULL", ann, ["lamp", "rug"]),
        (
            #"INCLUDE ItemID WHERE Interactions.EVENT_TYPE = "View" AND Interactions.COUNT >= 2"#,
            ann, ["lamp"]
        ),
        ("INCLUDE ItemID WHERE Interactions.COUNT = 0", ann, ["sofa", "void"]),
        ("INCLUDE ItemID WHERE Interactions.TIMESTAMP WITHIN 10 MINUTES", ann, ["rug"]),
        (
            #"INCLUDE ItemID WHERE Interactions.EVENT_TYPE = "view" AND "#
                + #"Interactions.DEVICE = "desk""#, ann, []
        ),
        (
            #"INCLUDE ItemID WHERE (Interactions.EVENT_TYPE = "view") AND "#
                + #"(Interactions.DEVICE = "desk")"#, ann, ["lamp"]
        ),
        (
            "EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (*)", Question(user: "nobody"),
            ["lamp", "rug", "sofa", "void"]
        ),
        // Chains.
        (
            #"INCLUDE ItemID WHERE Items.PRICE > 100 | INCLUDE ItemID WHERE Items.GENRE IN ("#
                + #""bath") | EXCLUDE ItemID WHERE Items.YEAR = 2020"#, ann, ["lamp"]
        ),
        (
            "INCLUDE ItemID WHERE Items.PRICE > 100 | INCLUDE ItemID WHERE Interactions.COUNT > 0",
            ann, ["lamp", "rug", "sofa"]
        ),
    ]

    @Test(arguments: table)
    func `keep the items that pass`(_ one: (String, Question, [String])) throws {
        let world = try FilterWorld.shop()
        #expect(try world.passing(one.0, one.1) == one.2, "\(one.0)")
    }

    @Test
    func `see what was applied a moment ago`() throws {
        let world = try FilterWorld.shop()
        let expression = #"INCLUDE ItemID WHERE Items.GENRE IN ("bath") AND Items.PRICE < 50"#
        let byValue = "INCLUDE ItemID WHERE Items.GENRE IN ($G)"
        let bath = Question(values: ["G": ["bath"]])
        #expect(try world.passing(expression) == ["lamp"])
        #expect(try world.passing(byValue, bath) == ["lamp"])
        try world.run(
            .putItems(
                group: shop,
                [
                    FilterWorld.item("lamp", "hall", "Lux", 20, 1999, true),
                    FilterWorld.item("soap", "bath", nil, 3, nil, nil),
                ]
            )
        )
        #expect(try world.passing(expression) == ["soap"])
        #expect(try world.passing(byValue, bath) == ["soap"])
    }

    @Test
    func `compare whole numbers beyond what a double holds`() throws {
        let world = try FilterWorld.shop()
        let large: Int64 = 9_007_199_254_740_993
        try world.run(
            .putItems(
                group: shop,
                [
                    FilterWorld.item("odd", nil, nil, nil, large, nil),
                    FilterWorld.item("even", nil, nil, nil, large - 1, nil),
                ]
            )
        )
        #expect(try world.passing("INCLUDE ItemID WHERE Items.YEAR = \(large)") == ["odd"])
        #expect(try world.passing("INCLUDE ItemID WHERE Items.YEAR = \(large - 1)") == ["even"])
        let above = "INCLUDE ItemID WHERE Items.YEAR > \(large - 1)"
        #expect(try world.passing(above) == ["odd"])
        try world.run(
            .putItems(
                group: shop,
                [FilterWorld.item("odd", nil, nil, nil, large - 1, nil)]
            )
        )
        #expect(try world.passing(above) == [])
    }

    @Test
    func `go on when a schema grows`() throws {
        let world = try World()
        func put(_ id: String, _ name: String, _ value: PropertyValue) throws {
            try world.run(
                .putItems(
                    group: shop,
                    [
                        EntityRecord(
                            id: id,
                            properties: RecordProperties(added: [
                                .init(name: name, value: value)
                            ])
                        )
                    ]
                )
            )
        }
        try put("a", "color", .string("red|green"))
        let red = #"INCLUDE ItemID WHERE Items.COLOR IN ("red")"#
        #expect(try world.passing(red) == ["a"])
        try put("b", "size", .integer(3))
        #expect(try world.passing("INCLUDE ItemID WHERE Items.SIZE = 3") == ["b"])
        #expect(try world.passing("INCLUDE ItemID WHERE Items.SIZE IS NULL") == ["a"])
        #expect(try world.passing(red) == ["a"])
    }

    @Test
    func `are right over many chunks, dense and sparse`() throws {
        let world = try World(fields: FilterWorld.fields)
        let items: [EntityRecord] = (0..<9_000).map { index in
            let other = index % 1_000 == 1 ? "rare|all" : "all"
            let genre = index % 3 == 0 ? "third|all" : other
            return FilterWorld.item("i\(index)", genre, nil, Double(index), nil, nil)
        }
        for start in stride(from: 0, to: items.count, by: 1_000) {
            try world.run(
                .putItems(group: shop, Array(items[start..<start + 1_000]))
            )
        }
        func count(_ expression: String, _ values: [String: [String]] = [:]) throws -> Int {
            try world.passing(expression, Question(values: values)).count
        }
        let byGenre = "INCLUDE ItemID WHERE Items.GENRE IN ($G)"
        #expect(try count(byGenre, ["G": ["third"]]) == 3_000)
        #expect(try count(byGenre, ["G": ["rare"]]) == 6)
        #expect(try count(byGenre, ["G": ["rare", "third"]]) == 3_006)
        #expect(try count(#"INCLUDE ItemID WHERE Items.GENRE IN ("all")"#) == 9_000)
        #expect(try count("INCLUDE ItemID WHERE Items.PRICE < 4097") == 4_097)
        #expect(try count("INCLUDE ItemID WHERE Items.PRICE < $P", ["P": ["4097"]]) == 4_097)
        try world.run(
            .putItems(
                group: shop,
                [FilterWorld.item("i1", "third", nil, 9_999, nil, nil)]
            )
        )
        #expect(try count(byGenre, ["G": ["rare"]]) == 5)
        #expect(try count(byGenre, ["G": ["third"]]) == 3_001)
        #expect(try count("INCLUDE ItemID WHERE Items.PRICE < 4097") == 4_096)
    }

    @Test
    func `that compare columns of a row are right beyond one chunk of records`() throws {
        let world = try World(fields: FilterWorld.fields)
        let items = (0..<5_000).map { index in
            let price = Double(index)
            let list = index.isMultiple(of: 2) ? price + 1 : price
            return FilterWorld.item("i\(index)", "all", nil, price, nil, nil, list: list)
        }
        for start in stride(from: 0, to: items.count, by: 1_000) {
            try world.run(
                .putItems(group: shop, Array(items[start..<start + 1_000]))
            )
        }
        let below = "INCLUDE ItemID WHERE Items.PRICE < Items.LIST_PRICE"
        #expect(try world.passing(below).count == 2_500)
    }

    @Test
    func `know what events carried after a restart`() throws {
        let world = try FilterWorld.shop()
        let again = try World(fields: FilterWorld.fields)
        _ = again.engine.apply(world.log)
        #expect(EngineDigest(again.engine) == EngineDigest(world.engine))
        for (expression, question, expected) in Self.table {
            #expect(try again.passing(expression, question) == expected, "\(expression)")
        }
    }
}
