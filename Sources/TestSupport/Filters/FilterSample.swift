package import Engine
import Primitives
package import Resources

/// Schemas with every type of column and every kind of text, for tests of filters.
package enum FilterSample {
    package static let interactions = schema(
        .interactions,
        [
            SchemaField(name: "USER_ID", type: .string),
            SchemaField(name: "ITEM_ID", type: .string),
            SchemaField(name: "TIMESTAMP", type: .long),
            SchemaField(name: "DEVICE", type: .string, isNullable: true, isCategorical: true),
            SchemaField(name: "RATING", type: .float, isNullable: true),
        ]
    )

    package static let items = schema(
        .items,
        [
            SchemaField(name: "ITEM_ID", type: .string),
            SchemaField(name: "ROOM", type: .string, isNullable: true),
            SchemaField(name: "STYLE", type: .string, isNullable: true, isCategorical: true),
            SchemaField(name: "KIND", type: .string, isNullable: true),
            SchemaField(name: "WEIGHT", type: .double, isNullable: true),
            SchemaField(name: "YEAR", type: .long, isNullable: true),
            SchemaField(name: "ADULT", type: .boolean, isNullable: true),
            SchemaField(name: "TEXT", type: .string, isNullable: true, isTextual: true),
            SchemaField(name: "CREATION_TIMESTAMP", type: .long, isNullable: true),
        ]
    )

    package static let users = schema(
        .users,
        [
            SchemaField(name: "USER_ID", type: .string),
            SchemaField(name: "AGE", type: .int, isNullable: true),
            SchemaField(name: "TIER", type: .string, isNullable: true, isCategorical: true),
            SchemaField(name: "BUDGET", type: .double, isNullable: true),
            SchemaField(name: "ADULT", type: .boolean, isNullable: true),
        ]
    )

    package static let actions = [
        SchemaField(name: "ACTION_ID", type: .string),
        SchemaField(name: "VALUE", type: .long, isNullable: true),
        SchemaField(name: "KIND", type: .string, isNullable: true, isCategorical: true),
        SchemaField(name: "REPEAT_FREQUENCY", type: .long, isNullable: true),
    ]

    /// What filters of these schemas are checked against.
    package static let schemas = FilterSchemas(
        interactions: interactions,
        items: items,
        users: users,
        actions: actions,
        actionInteractions: [SchemaField(name: "EVENT_TYPE", type: .string)]
    )

    private static func schema(_ kind: DatasetKind, _ fields: [SchemaField]) -> Schema {
        let time = Timestamp(milliseconds: 1_700_000_000_000)
        return Schema(
            header: ResourceHeader(name: kind.collectionLabel, createdAt: time, updatedAt: time),
            kind: kind,
            fields: fields,
            document: "{}"
        )
    }
}
