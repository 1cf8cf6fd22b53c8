import Engine
import Resources

/// The schemas that the filter tests check against: every type, every kind of text.
let sampleSchemas = FilterSchemas(
    interactions: sample(
        .interactions,
        [
            SchemaField(name: "USER_ID", type: .string),
            SchemaField(name: "ITEM_ID", type: .string),
            SchemaField(name: "TIMESTAMP", type: .long),
            SchemaField(name: "DEVICE", type: .string, isNullable: true, isCategorical: true),
            SchemaField(name: "RATING", type: .float, isNullable: true),
        ]
    ),
    items: sample(
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
    ),
    users: sample(
        .users,
        [
            SchemaField(name: "USER_ID", type: .string),
            SchemaField(name: "AGE", type: .int, isNullable: true),
            SchemaField(name: "TIER", type: .string, isNullable: true, isCategorical: true),
            SchemaField(name: "BUDGET", type: .double, isNullable: true),
            SchemaField(name: "ADULT", type: .boolean, isNullable: true),
        ]
    ),
    actions: [
        SchemaField(name: "ACTION_ID", type: .string),
        SchemaField(name: "VALUE", type: .long, isNullable: true),
        SchemaField(name: "REPEAT_FREQUENCY", type: .long, isNullable: true),
    ],
    actionInteractions: [
        SchemaField(name: "EVENT_TYPE", type: .string)
    ]
)

private func sample(_ kind: DatasetKind, _ fields: [SchemaField]) -> Schema {
    Schema(header: header(kind.collectionLabel), kind: kind, fields: fields, document: "{}")
}
