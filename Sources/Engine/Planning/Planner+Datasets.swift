import Primitives
import Resources

/// Datasets that move to a schema with more columns.
extension Planner {
    /// The dataset with its new schema, the columns that it had first in the order of records.
    ///
    /// - Throws: `invalidInput` with a violation for everything that the schema would take away,
    ///   change, or demand of records that are there.
    func extended(_ dataset: Dataset, from before: Dataset) throws(Stop) -> Dataset {
        let known = try schema(before.group, before.kind)
        try check(dataset)
        guard case .schema(let wanted) = resource(dataset.schema) else {
            throw .refused(.missing(dataset.schema, "schema"))
        }
        guard !wanted.isOpen else {
            throw .refused(
                .invalid(
                    "schema",
                    "'\(dataset.schema)' is an open schema, which grows by itself with the records "
                        + "of its own dataset"
                )
            )
        }
        let problems = Self.problems(known, wanted)
        guard problems.isEmpty else {
            throw .refused(
                Refusal(
                    .invalidInput,
                    "schema: '\(dataset.schema)' does not extend '\(before.schema)': "
                        + problems.joined(separator: "; "),
                    violations: problems.map { .init(field: "schema", description: $0) }
                )
            )
        }
        var dataset = dataset
        let order = known.ownColumns.map(\.foldedName)
        let added = wanted.ownColumns.map(\.foldedName).filter { !order.contains($0) }
        dataset.columnOrder = order + added
        return dataset
    }

    /// Why records of one schema are not records of another.
    private static func problems(_ known: Schema, _ wanted: Schema) -> [String] {
        var problems: [String] = []
        let fields = Dictionary(
            wanted.fields.map { ($0.foldedName, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        for field in known.fields {
            guard let other = fields[field.foldedName] else {
                problems.append("the field \(field.name) is missing; every field must stay")
                continue
            }
            guard !field.isLike(other) else { continue }
            problems.append(
                "the field \(field.name) is \(other.summary), but was \(field.summary); it must "
                    + "stay as it is"
            )
        }
        let names = Set(known.fields.map(\.foldedName))
        for field in wanted.fields where !names.contains(field.foldedName) && !field.isNullable {
            problems.append(
                "the new field \(field.name) does not allow null, which the records that are there "
                    + "have in it; give it the type [\"\(field.type)\", \"null\"]"
            )
        }
        return problems
    }
}

extension SchemaField {
    /// The same column, however its name is written.
    fileprivate func isLike(_ other: SchemaField) -> Bool {
        var other = other
        other.name = name
        return self == other
    }

    fileprivate var summary: String {
        var words = [isNullable ? "\(type) or null" : "\(type)"]
        if isCategorical { words.append("categorical") }
        if isTextual { words.append("textual") }
        if isItemName { words.append("the name of items") }
        return words.joined(separator: ", ")
    }
}
