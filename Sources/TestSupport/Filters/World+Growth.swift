import Engine
import Primitives
package import Resources

extension FilterSample {
    private static let later: [DatasetKind: Set<String>] = [
        .items: ["ADULT", "TEXT"], .users: ["ADULT"], .interactions: ["RATING"],
    ]

    /// The schemas without the columns that `World.grow()` adds.
    package static let fieldsBefore: [DatasetKind: [SchemaField]] = [
        .items: items.fields.filter { !isLater($0, .items) },
        .users: users.fields.filter { !isLater($0, .users) },
        .interactions: interactions.fields.filter { !isLater($0, .interactions) },
    ]

    fileprivate static func isLater(_ field: SchemaField, _ kind: DatasetKind) -> Bool {
        later[kind]?.contains(field.name) == true
    }
}

extension World {
    /// Gives a dataset of a world of `FilterSample.fieldsBefore` its later columns, which its new
    /// schema names first.
    package func grow(_ kind: DatasetKind) throws(Refusal) {
        let label = kind.collectionLabel
        var schema =
            switch kind {
            case .items: FilterSample.items
            case .users: FilterSample.users
            case .interactions: FilterSample.interactions
            }
        let isLater = { (field: SchemaField) in FilterSample.isLater(field, kind) }
        schema.fields = schema.fields.filter(isLater) + schema.fields.filter { !isLater($0) }
        schema.header = World.header("\(label)-2")
        try run(.createResources([.schema(schema)], requestID: ""))
        var header = World.header(label)
        header.revision += 1
        let dataset = Dataset(
            header: header,
            group: World.group,
            kind: kind,
            schema: .schema("\(label)-2")
        )
        try run(.updateResource(.dataset(dataset)))
    }
}
