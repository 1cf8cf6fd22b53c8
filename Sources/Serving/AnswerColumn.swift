package import Engine
package import Primitives
import Resources

/// A column of the items schema, ready to be read of records.
package struct AnswerColumn: Hashable, Sendable {
    /// As the schema spells it.
    package let name: String
    package let isCategorical: Bool
    /// Its place among a record's values; `nil` for the creation time.
    private let place: Int?

    init(_ field: SchemaField, place: Int?) {
        name = field.name
        isCategorical = field.isCategorical
        self.place = place
    }

    /// An item's value; null for an item that was not put.
    package func value(of item: ItemIndex, _ root: GroupRoot) -> PropertyValue {
        guard let record = root.record(of: item) else { return .null }
        guard let place else {
            return record.createdAt.map { .integer($0.milliseconds / 1_000) } ?? .null
        }
        let values = record.properties.values
        return place < values.count ? values[place] : .null
    }

    /// An item's values as texts: the parts of a category, or the one value.
    func parts(of item: ItemIndex, _ root: GroupRoot) -> [Substring] {
        switch value(of: item, root) {
        case .null: []
        case .string(let text): isCategorical ? text.split(separator: "|") : [text[...]]
        case .integer(let number): [String(number)[...]]
        case .double(let number): [String(number)[...]]
        case .boolean(let isTrue): [isTrue ? "true" : "false"]
        }
    }
}

/// The columns of a group's items, by folded name.
struct AnswerColumns {
    private let byName: [String: AnswerColumn]
    let categorical: [AnswerColumn]
    private let names: String

    init(_ schema: Schema) {
        var byName: [String: AnswerColumn] = [:]
        let own = schema.ownColumns
        for (place, field) in own.enumerated() {
            byName[field.foldedName] = AnswerColumn(field, place: place)
        }
        if let created = schema.fields.first(where: { $0.foldedName == "creationtimestamp" }) {
            byName[created.foldedName] = AnswerColumn(created, place: nil)
        }
        self.byName = byName
        categorical = own.filter(\.isCategorical).compactMap { byName[$0.foldedName] }
        names = byName.values.map(\.name).sorted().joined(separator: ", ")
    }

    func column(_ name: String, _ field: String) throws(Refusal) -> AnswerColumn {
        guard let column = byName[SchemaField.fold(name)] else {
            throw .invalid(
                field,
                "'\(name.prefix(100))' is no column of the items schema, which has "
                    + (names.isEmpty ? "none" : names)
            )
        }
        return column
    }
}
