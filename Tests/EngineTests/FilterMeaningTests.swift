import Engine
import Primitives
import TestSupport
import Testing

/// What the oracle says in each case of `Documentation/Filters.md`, by hand.
///
/// The compiled evaluation is compared with the oracle; the oracle with this.
@Suite
struct `A filter` {
    private let day: Int64 = 86_400_000

    /// The columns ROOM, STYLE, KIND, WEIGHT, YEAR, ADULT.
    private func item(
        room: String? = nil,
        style: String? = nil,
        weight: Double? = nil,
        year: Int64? = nil,
        adult: Bool? = nil,
        createdAt: Timestamp? = nil
    ) -> NaiveFilter.Subject {
        let values: [PropertyValue] = [
            room.map { .string($0) } ?? .null, style.map { .string($0) } ?? .null, .null,
            weight.map { .double($0) } ?? .null, year.map { .integer($0) } ?? .null,
            adult.map { .boolean($0) } ?? .null,
        ]
        return NaiveFilter.Subject(
            id: "i",
            record: EntityRecord(
                id: "i",
                properties: RecordProperties(values: values),
                createdAt: createdAt
            )
        )
    }

    private func user(age: Int64? = nil, tier: String? = nil) -> NaiveFilter.Subject {
        let values: [PropertyValue] = [
            age.map { .integer($0) } ?? .null, tier.map { .string($0) } ?? .null,
        ]
        return NaiveFilter.Subject(
            id: "u",
            record: EntityRecord(id: "u", properties: RecordProperties(values: values))
        )
    }

    private func event(_ type: String, daysAgo: Int64 = 0, value: Double? = nil) -> EventRecord {
        EventRecord(
            eventType: type,
            eventValue: value,
            itemID: "i",
            occurredAt: Timestamp(milliseconds: now.milliseconds - daysAgo * day)
        )
    }

    private func passes(
        _ text: String,
        _ item: NaiveFilter.Subject,
        _ events: [EventRecord] = [],
        user: NaiveFilter.Subject = .init(id: "u"),
        seed: NaiveFilter.Subject = .init(),
        values: [String: [String]] = [:]
    ) throws -> Bool {
        let filter = try CheckedFilter(parsing: text, against: FilterSample.schemas)
        let naive = NaiveFilter(
            filter,
            arguments: try filter.bind(values),
            now: now,
            user: user,
            currentItem: seed
        )
        return naive.passes(item, events: events)
    }

    /// Whether a condition holds, by an INCLUDE of it alone.
    private func holds(
        _ condition: String,
        _ item: NaiveFilter.Subject,
        _ events: [EventRecord] = []
    ) throws -> Bool {
        let included = try passes("INCLUDE ItemID WHERE \(condition)", item, events)
        let excluded = try passes("EXCLUDE ItemID WHERE \(condition)", item, events)
        #expect(included == !excluded)
        return included
    }

    @Test
    func `is the union of its INCLUDEs minus that of its EXCLUDEs`() throws {
        let both =
            #"INCLUDE ItemID WHERE Items.ROOM IN ("a") | INCLUDE ItemID WHERE Items.YEAR = 1"#
            + #" | EXCLUDE ItemID WHERE Items.WEIGHT > 5 | EXCLUDE ItemID WHERE Items.YEAR = 9"#
        #expect(try passes(both, item(room: "a", weight: 1, year: 2)))
        #expect(try passes(both, item(room: "b", weight: 1, year: 1)))
        #expect(try !passes(both, item(room: "b", weight: 1, year: 2)))
        #expect(try !passes(both, item(room: "a", weight: 6, year: 1)))
        #expect(try !passes(both, item(room: "a", weight: 1, year: 9)))
    }

    @Test
    func `does nothing in a clause whose IF does not hold`() throws {
        let adults = "INCLUDE ItemID WHERE Items.YEAR = 1 IF CurrentUser.AGE >= 18"
        #expect(try !passes(adults, item(year: 2), user: user(age: 18)))
        #expect(try passes(adults, item(year: 2), user: user(age: 17)))
        #expect(try passes(adults, item(year: 2), user: user()))
        let either = adults + " | INCLUDE ItemID WHERE Items.YEAR = 3"
        #expect(try !passes(either, item(year: 2), user: user(age: 17)))
        #expect(try passes(either, item(year: 3), user: user(age: 18)))
    }

    @Test
    func `compares texts byte by byte and splits categories`() throws {
        #expect(try holds(#"Items.ROOM IN ("a")"#, item(room: "a")))
        #expect(try !holds(#"Items.ROOM IN ("a")"#, item(room: "A")))
        #expect(try !holds("Items.ROOM = \"é\"", item(room: "e\u{301}")))
        #expect(try !holds(#"Items.ROOM IN ("a", "b")"#, item(room: "a|b")))
        #expect(try holds(#"Items.ROOM = "a|b""#, item(room: "a|b")))
        #expect(try holds(#"Items.STYLE IN ("b", "c")"#, item(style: "a|b")))
        #expect(try !holds(#"Items.STYLE IN ("a|b")"#, item(style: "a|b")))
        #expect(try !holds(#"Items.STYLE NOT IN ("b")"#, item(style: "a|b")))
        #expect(try !holds(#"Items.STYLE != "a""#, item(style: "a|b")))
        #expect(try holds(#"Items.STYLE = """#, item(style: "a||b")))
        #expect(try !holds(#"Items.STYLE IN ("click, rating")"#, item(style: "click")))
    }

    @Test(
        arguments: [
            #"Items.ROOM IN ("a")"#, #"Items.ROOM = "a""#, "Items.YEAR < 3", "Items.YEAR >= 3",
            "Items.YEAR BETWEEN 0 AND 9", "Items.ADULT = FALSE",
            "Items.CREATION_TIMESTAMP WITHIN 9 DAYS", "Items.CREATION_TIMESTAMP < NOW",
            "Items.YEAR = Items.WEIGHT", "Items.STYLE IN Items.ROOM",
        ]
    )
    func `takes a null as false, and its negation as true`(condition: String) throws {
        #expect(try !holds(condition, item()))
        #expect(try holds("NOT (\(condition))", item()))
    }

    @Test
    func `knows nulls by name`() throws {
        #expect(try holds("Items.YEAR IS NULL", item()))
        #expect(try !holds("Items.YEAR IS NOT NULL", item()))
        #expect(try holds("Items.YEAR IS NOT NULL", item(year: 0)))
        #expect(try holds("Items.YEAR != 3 AND Items.YEAR NOT IN (3)", item()))
        #expect(try holds("Items.YEAR NOT BETWEEN 1 AND 3", item()))
        #expect(try holds("Items.ROOM IS NULL", NaiveFilter.Subject(id: "i")))
    }

    @Test
    func `compares numbers and instants exactly`() throws {
        let long = item(weight: 2.5, year: 9_007_199_254_740_993)
        #expect(try holds("Items.YEAR = 9007199254740993", long))
        #expect(try !holds("Items.YEAR = 9007199254740992", long))
        #expect(try holds("Items.WEIGHT BETWEEN 2.5 AND 2.5", long))
        #expect(try !holds("Items.WEIGHT NOT BETWEEN 2 AND 3", long))
        #expect(try holds("Items.YEAR IN (1, \"9007199254740993\")", long))
        let old = item(createdAt: Timestamp(milliseconds: now.milliseconds - 7 * day))
        #expect(try holds("Items.CREATION_TIMESTAMP WITHIN 7 DAYS", old))
        #expect(try !holds("Items.CREATION_TIMESTAMP > NOW - 7 DAYS", old))
        #expect(try !holds("Items.CREATION_TIMESTAMP WITHIN 167 HOURS", old))
        #expect(try holds("Items.CREATION_TIMESTAMP = 1699395200", old))
        #expect(try holds("Items.CREATION_TIMESTAMP < 1699395200.001", old))
        #expect(try holds("Items.YEAR = NOW", item(year: 1_700_000_000)))
        #expect(try holds("Items.ADULT != TRUE", item(adult: false)))
    }

    @Test
    func `asks for one interaction in each group`() throws {
        let seen = [event("View", value: 1), event("buy", daysAgo: 40, value: 5)]
        let view = #"Interactions.EVENT_TYPE IN ("vIEW")"#
        let high = "Interactions.EVENT_VALUE > 3"
        #expect(try holds(view, item(), seen))
        #expect(try !holds(view, item()))
        #expect(try !holds("\(view) AND \(high)", item(), seen))
        #expect(try !holds("\(view) AND Items.YEAR = 1 AND \(high)", item(year: 1), seen))
        #expect(try holds("(\(view)) AND (\(high))", item(), seen))
        #expect(try holds("\(view) AND NOT Interactions.EVENT_VALUE > 9", item(), seen))
        #expect(try holds(#"Interactions.EVENT_TYPE NOT IN ("view")"#, item(), seen))
        #expect(try !holds(#"Interactions.EVENT_TYPE NOT IN ("view", "buy")"#, item(), seen))
        #expect(try !holds(#"Interactions.EVENT_TYPE NOT IN ("view")"#, item()))
        #expect(try holds("Interactions.EVENT_TYPE IN (*)", item(), seen))
        #expect(try !holds(#"Interactions.EVENT_TYPE IN ("*")"#, item()))
        #expect(try !holds("Interactions.EVENT_TYPE NOT IN (*)", item(), seen))
        #expect(
            try !holds(
                #"Interactions.EVENT_TYPE = "buy" AND Interactions.TIMESTAMP WITHIN 30 DAYS"#,
                item(),
                seen
            )
        )
        #expect(try holds("Interactions.EVENT_VALUE IS NULL", item(), [event("a")]))
        #expect(try holds("Interactions.EVENT_VALUE != 4", item(), [event("a")]))
    }

    @Test
    func `counts interactions`() throws {
        let seen = [event("view"), event("view", daysAgo: 2), event("buy")]
        #expect(try holds("Interactions.COUNT = 3", item(), seen))
        #expect(try holds("Interactions.COUNT = 0", item()))
        #expect(
            try holds(
                #"Interactions.EVENT_TYPE IN ("view") AND Interactions.COUNT >= 2"#,
                item(),
                seen
            )
        )
        #expect(
            try !holds(
                #"Interactions.EVENT_TYPE IN ("buy") AND Interactions.COUNT BETWEEN 2 AND 9"#,
                item(),
                seen
            )
        )
        #expect(
            try holds(
                #"(Interactions.EVENT_TYPE IN ("buy")) AND (Interactions.COUNT IN (3, 4))"#,
                item(),
                seen
            )
        )
    }

    @Test
    func `compares with the user who asks and the item that is named`() throws {
        let same =
            "INCLUDE ItemID WHERE Items.STYLE IN CurrentItem.STYLE "
            + "AND Items.WEIGHT < CurrentItem.WEIGHT"
        let seed = item(style: "b|c", weight: 2)
        #expect(try passes(same, item(style: "a|b", weight: 1), seed: seed))
        #expect(try !passes(same, item(style: "a", weight: 1), seed: seed))
        #expect(try !passes(same, item(style: "a|b", weight: 1)))
        let aged = "INCLUDE ItemID WHERE Items.YEAR <= CurrentUser.AGE"
        #expect(try passes(aged, item(year: 3), user: user(age: 3)))
        #expect(try !passes(aged, item(year: 3), user: user()))
        let own = "EXCLUDE ItemID WHERE Items.STYLE NOT IN CurrentUser.TIER"
        #expect(try passes(own, item(style: "x|y"), user: user(tier: "y|z")))
        #expect(try !passes(own, item(style: "x|y"), user: user()))
    }

    @Test
    func `leaves out what uses an omitted parameter of an EXCLUDE`() throws {
        let text = "EXCLUDE ItemID WHERE Items.YEAR > $Y AND Items.STYLE IN ($S, \"a\")"
        let old = item(style: "b", year: 5)
        #expect(try !passes(text, old, values: ["Y": ["4"], "S": ["b"]]))
        #expect(try passes(text, old, values: ["Y": ["4"], "S": ["c"]]))
        #expect(try !passes(text, old, values: ["Y": ["4"]]))
        #expect(try !passes(text, old, values: ["S": ["b"]]))
        #expect(try passes(text, old))
        #expect(try passes(text, old, values: ["Y": ["4"], "S": []]))
        let typed = "EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ($T)"
        #expect(try !passes(typed, old, [event("x")], values: ["T": ["*"]]))
        // A star is every type, but the parameter beside it must still come.
        let starred = #"EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*", $T)"#
        #expect(try !passes(starred, old, [event("x")], values: ["T": ["y"]]))
        #expect(try !passes(starred, old, [event("x")], values: ["T": []]))
        #expect(try passes(starred, old, values: ["T": ["y"]]))
        #expect(try passes(starred, old, [event("x")]))
        let required = #"INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*", $T)"#
        #expect(throws: FilterErrors.self) { try passes(required, old, [event("x")]) }
        #expect(throws: FilterErrors.self) {
            try passes("INCLUDE ItemID WHERE Items.YEAR > $Y", old)
        }
        let conditional = "EXCLUDE ItemID WHERE Items.YEAR > 4 IF CurrentUser.AGE = $A"
        #expect(try passes(conditional, old, user: user(age: 3), values: ["A": ["4"]]))
        #expect(try !passes(conditional, old, user: user(age: 3)))
    }

    @Test
    func `of users and actions is about them`() throws {
        let segment = try CheckedFilter(
            parsing: #"INCLUDE UserID WHERE Users.TIER IN ("gold") AND "#
                + #"Interactions.EVENT_TYPE IN ("buy") AND Interactions.COUNT >= 2"#,
            against: FilterSample.schemas
        )
        let naive = NaiveFilter(segment, now: now)
        #expect(naive.passes(user(tier: "gold|x"), events: [event("buy"), event("BUY")]))
        #expect(!naive.passes(user(tier: "gold"), events: [event("buy")]))
        #expect(!naive.passes(user(tier: "tin"), events: [event("buy"), event("buy")]))
        let offers = try CheckedFilter(
            parsing: #"EXCLUDE ActionID WHERE Action_Interactions.EVENT_TYPE IN ("TAKEN") "#
                + "OR Actions.VALUE < 3",
            against: FilterSample.schemas
        )
        let action = NaiveFilter.Subject(
            id: "a",
            record: EntityRecord(id: "a", properties: RecordProperties(values: [.integer(3)]))
        )
        let asked = NaiveFilter(offers, now: now, user: user())
        #expect(asked.passes(action, events: []))
        #expect(!asked.passes(action, events: [event("taken")]))
    }
}
