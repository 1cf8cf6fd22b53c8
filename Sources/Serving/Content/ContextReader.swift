package import Engine
import Primitives
package import Recipes
package import Resources

/// What own columns of interactions say, of events and of questions.
///
/// Of columns that can be categories: texts, whole numbers, flags; not of textual ones, nor of
/// those that a solution excludes. A value is its text as a whole, by its bytes. Hashed by one key
/// everywhere, so an artifact's values hold after any restart. Immutable.
package struct ContextReader: Sendable {
    private static let hash = StableHash(key: (0x6f66_6e69, 0x6374_7874))

    private struct Column: Sendable {
        let place: Int
        let field: SchemaField
        let key: UInt64
    }

    private let columns: [Column]

    package init(_ schema: Schema?, _ config: SolutionConfig) {
        let excluded = Set((config.excludedColumns[.interactions] ?? []).map(SchemaField.fold))
        let included = Set((config.includedColumns[.interactions] ?? []).map(SchemaField.fold))
        let fields = (schema?.ownColumns ?? []).enumerated().filter { _, field in
            Self.canBeCategory(field) && !excluded.contains(field.foldedName)
                && (included.isEmpty || included.contains(field.foldedName))
        }
        columns = fields.prefix(Limits.contextColumnsMax).map { place, field in
            Column(place: place, field: field, key: Self.hash(field.foldedName))
        }
    }

    private static func canBeCategory(_ field: SchemaField) -> Bool {
        switch field.type {
        case .string: !field.isTextual
        case .int, .long, .boolean: true
        case .float, .double: false
        }
    }

    /// For a training.
    package var table: ContextTable {
        ContextTable(columns.map { ContextTable.Column(name: $0.field.name, key: $0.key) })
    }

    /// Of an event's own columns.
    package func values(of row: [PropertyValue]) -> [ContextValue] {
        var values: [ContextValue] = []
        for column in columns where column.place < row.count {
            switch row[column.place] {
            case .string(let text): values.append(Self.value(column, text))
            case .integer(let number): values.append(Self.value(column, "\(number)"))
            case .boolean(let flag): values.append(Self.value(column, flag ? "true" : "false"))
            case .double, .null: break
            }
        }
        return values
    }

    /// Of a question's context, which was held to the schema.
    package func values(of context: [String: String]) -> [ContextValue] {
        var given: [String: String] = [:]
        for (name, value) in context.sorted(by: { $0.key < $1.key }) {
            given[SchemaField.fold(name)] = value
        }
        return columns.compactMap { column in
            given[column.field.foldedName].map { text in
                switch column.field.type {
                case .boolean: Self.value(column, text.lowercased())
                case .int, .long: Self.value(column, Int64(text).map { "\($0)" } ?? text)
                case .string, .float, .double: Self.value(column, text)
                }
            }
        }
    }

    private static func value(_ column: Column, _ text: String) -> ContextValue {
        ContextValue(column: column.key, value: hash("\(column.field.foldedName)\u{0}\(text)"))
    }

    private static func hash(_ text: String) -> UInt64 {
        text.withRawSpan { hash.hash($0) }
    }
}
