import Engine
import Primitives
import Resources
import TestSupport
import Testing

/// A shop with a column of every kind, asked through compiled filters.
enum FilterWorld {
    static let fields: [DatasetKind: [SchemaField]] = [
        .items: [
            SchemaField(name: "ITEM_ID", type: .string),
            SchemaField(name: "GENRE", type: .string, isNullable: true, isCategorical: true),
            SchemaField(name: "BRAND", type: .string, isNullable: true),
            SchemaField(name: "PRICE", type: .double, isNullable: true),
            SchemaField(name: "YEAR", type: .long, isNullable: true),
            SchemaField(name: "IN_STOCK", type: .boolean, isNullable: true),
            SchemaField(name: "LIST_PRICE", type: .double, isNullable: true),
            SchemaField(name: "CREATION_TIMESTAMP", type: .long, isNullable: true),
        ],
        .users: [
            SchemaField(name: "USER_ID", type: .string),
            SchemaField(name: "TIER", type: .string, isNullable: true, isCategorical: true),
            SchemaField(name: "AGE", type: .int, isNullable: true),
            SchemaField(name: "BUDGET", type: .float, isNullable: true),
        ],
        .interactions: [
            SchemaField(name: "USER_ID", type: .string),
            SchemaField(name: "ITEM_ID", type: .string),
            SchemaField(name: "TIMESTAMP", type: .long),
            SchemaField(name: "DEVICE", type: .string, isNullable: true, isCategorical: true),
            SchemaField(name: "STARS", type: .double, isNullable: true),
        ],
    ]

    /// Four items, one of them known from an event only, and two users.
    static func shop() throws -> World {
        let world = try World(fields: fields)
        try world.run(
            .putItems(
                group: World.group,
                [
                    item(
                        "lamp",
                        "bath|kitchen",
                        "Lux",
                        20,
                        1999,
                        true,
                        list: 25,
                        createdAt: 1_000
                    ),
                    item("sofa", "living", "Soft", 900, 2020, false, list: 900),
                    item("void", nil, nil, nil, nil, nil),
                ]
            )
        )
        try world.run(
            .putUsers(
                group: World.group,
                [user("ann", "gold|new", 30, 100), user("bob", nil, nil, nil)]
            )
        )
        _ = try world.put(
            "ann",
            "",
            [
                event("lamp", 100, "View"),
                event("lamp", 200, "View", value: 3, "phone"),
                event("lamp", 300, "Purchase", value: 19.99, "desk", 4.5),
                event("rug", 400, "view", value: 1),
            ]
        )
        return world
    }

    static func item(
        _ id: String,
        _ genre: String?,
        _ brand: String?,
        _ price: Double?,
        _ year: Int64?,
        _ isInStock: Bool?,
        list: Double? = nil,
        createdAt seconds: Int64? = nil
    ) -> EntityRecord {
        EntityRecord(
            id: id,
            properties: RecordProperties(values: [
                genre.map { .string($0) } ?? .null, brand.map { .string($0) } ?? .null,
                price.map { .double($0) } ?? .null, year.map { .integer($0) } ?? .null,
                isInStock.map { .boolean($0) } ?? .null, list.map { .double($0) } ?? .null,
            ]),
            createdAt: seconds.map { Timestamp(milliseconds: $0 * 1_000) }
        )
    }

    static func user(
        _ id: String,
        _ tier: String?,
        _ age: Int64?,
        _ budget: Double?
    ) -> EntityRecord {
        EntityRecord(
            id: id,
            properties: RecordProperties(values: [
                tier.map { .string($0) } ?? .null, age.map { .integer($0) } ?? .null,
                budget.map { .double($0) } ?? .null,
            ])
        )
    }

    static func event(
        _ item: String,
        _ seconds: Int64,
        _ type: String,
        value: Double? = nil,
        _ device: String? = nil,
        _ stars: Double? = nil
    ) -> EventRecord {
        EventRecord(
            eventType: type,
            eventValue: value,
            itemID: item,
            occurredAt: Timestamp(milliseconds: seconds * 1_000),
            properties: RecordProperties(values: [
                device.map { .string($0) } ?? .null, stars.map { .double($0) } ?? .null,
            ])
        )
    }
}
