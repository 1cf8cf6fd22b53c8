import Engine
import Primitives
import Resources
import TestSupport
import Testing

/// Every form that Personalize's guide shows, read, printed and evaluated.
@Suite
struct `A form of the guide` {
    private struct Form {
        let text: String
        /// The normal form; `nil` where it is the text.
        var normal: String?
        var values: [String: [String]] = [:]
        /// Of what the filter is about, those that pass.
        let passing: [String]
    }

    private static let table = [
        Form(
            text: #"EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")"#,
            normal: "EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (*)",
            passing: ["tub"]
        ),
        Form(
            text: "EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (*)",
            passing: ["tub"]
        ),
        Form(
            text: #"EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("View","purchase")"#,
            normal: #"EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("View", "purchase")"#,
            passing: ["pan", "tub"]
        ),
        Form(
            text: #"INCLUDE ItemID WHERE Items.ROOM IN ("kitchen") AND "#
                + #"Items.KIND NOT IN ("lamp")"#,
            passing: ["pan", "rug"]
        ),
        Form(
            text: "INCLUDE ItemID WHERE Items.WEIGHT <= $MAX_WEIGHT",
            values: ["MAX_WEIGHT": ["4"]],
            passing: ["bulb", "rug"]
        ),
        Form(
            text: "EXCLUDE ItemID WHERE Items.STYLE IN ($STYLES) IF CurrentUser.AGE = $AGE",
            values: ["STYLES": ["art", "none"], "AGE": ["20"]],
            passing: ["bulb", "pan", "tub"]
        ),
        Form(
            text: #"INCLUDE ItemID WHERE Items.ROOM IN ("bath") OR Items.WEIGHT > 3 "#
                + #"IF CurrentUser.AGE > 18 AND CurrentUser.TIER IN ("gold")"#,
            passing: ["bulb", "pan", "tub"]
        ),
        Form(
            text: "INCLUDE ItemID WHERE Items.STYLE IN ($STYLES) | "
                + #"EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")"#,
            values: ["STYLES": ["deco"]],
            passing: ["bulb"]
        ),
        Form(
            text: "INCLUDE ItemID WHERE Items.WEIGHT < CurrentItem.WEIGHT "
                + "AND Items.STYLE IN CurrentItem.STYLE",
            passing: ["rug"]
        ),
        Form(
            text: "INCLUDE UserID WHERE Users.TIER IN ($TIERS)",
            values: ["TIERS": ["gold"]],
            passing: ["ann"]
        ),
        Form(
            text: "EXCLUDE UserID WHERE Interactions.EVENT_TYPE IN ($TYPES)",
            values: ["TYPES": ["view"]],
            passing: ["bob"]
        ),
        Form(
            text: #"EXCLUDE ActionID WHERE Action_Interactions.EVENT_TYPE IN ("TAKEN")"#,
            passing: ["enrol"]
        ),
        Form(
            text: "INCLUDE ActionID WHERE Actions.VALUE > ($MIN)",
            normal: "INCLUDE ActionID WHERE Actions.VALUE > $MIN",
            values: ["MIN": ["3"]],
            passing: ["rate"]
        ),
    ]

    @Test(arguments: table.indices)
    func `is read, is printed, and lets pass what it should`(place: Int) throws {
        let form = Self.table[place]
        let filter = try CheckedFilter(parsing: form.text, against: FilterSample.schemas)
        #expect("\(filter.expression)" == form.normal ?? form.text)
        let again = try CheckedFilter(
            parsing: "\(filter.expression)",
            against: FilterSample.schemas
        )
        #expect(again == filter)
        let arguments = try filter.bind(form.values)
        #expect(try Self.oracle(filter, arguments) == form.passing)
        guard filter.expression.target == .item else { return }
        let question = Question(user: "ann", item: "bulb", values: form.values)
        #expect(try Self.shop().passing(form.text, question) == form.passing)
    }

    // MARK: What they are asked of

    private static let items = [
        record("rug", [.string("kitchen"), .string("art|deco"), .string("rug"), .double(2)]),
        record("bulb", [.string("kitchen"), .string("deco"), .string("lamp"), .double(4)]),
        record("pan", [.string("kitchen"), .null, .string("pan"), .double(5)]),
        record("tub", [.string("bath"), .null, .null, .null]),
    ]
    private static let ann = record("ann", [.integer(20), .string("gold|new")])
    private static let users = [ann, record("bob", [.integer(20), .string("Gold")])]
    private static let actions = [record("enrol", [.integer(3)]), record("rate", [.integer(4)])]
    private static let events = [
        ("bulb", "view"), ("rug", "Purchase"), ("pan", "click"),
    ].map { item, type in EventRecord(eventType: type, itemID: item, occurredAt: now) }

    private static func record(_ id: String, _ values: [PropertyValue]) -> EntityRecord {
        EntityRecord(id: id, properties: RecordProperties(values: values))
    }

    private static func shop() throws -> World {
        let world = try World(fields: [
            .items: FilterSample.items.fields, .users: FilterSample.users.fields,
            .interactions: FilterSample.interactions.fields,
        ])
        try world.run(.putItems(group: World.group, items))
        try world.run(.putUsers(group: World.group, users))
        _ = try world.put("ann", "", events)
        return world
    }

    /// What passes by the oracle: ann asks, of the bulb; she touched items, and took an action.
    private static func oracle(
        _ filter: CheckedFilter,
        _ arguments: FilterArguments
    ) throws -> [String] {
        let naive = NaiveFilter(
            filter,
            arguments: arguments,
            now: now,
            user: .init(id: "ann", record: ann),
            currentItem: .init(id: "bulb", record: items[1])
        )
        let candidates: [(EntityRecord, [EventRecord])] =
            switch filter.expression.target {
            case .item: items.map { item in (item, events.filter { $0.itemID == item.id }) }
            case .user: users.map { ($0, $0.id == "ann" ? events : []) }
            case .action:
                actions.map { action in
                    let taken = EventRecord(eventType: "Taken", itemID: "rate", occurredAt: now)
                    return (action, action.id == "rate" ? [taken] : [])
                }
            }
        return candidates.filter { record, events in
            naive.passes(.init(id: record.id, record: record), events: events)
        }
        .map(\.0.id).sorted()
    }
}
