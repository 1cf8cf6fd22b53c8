import Primitives
package import Resources
import Synchronization

/// A schema prepared for checking records: its columns by folded name.
package final class SchemaIndex: Sendable {
    package let schema: Schema
    let columns: [SchemaField]
    let columnByName: [String: Int]

    package init(_ schema: Schema) {
        self.schema = schema
        columns = schema.ownColumns
        var byName: [String: Int] = [:]
        for (index, column) in columns.enumerated() { byName[column.foldedName] = index }
        columnByName = byName
    }

    /// What the schema has, for error messages.
    var knownNames: String {
        columns.isEmpty ? "no columns of its own" : columns.map(\.name).joined(separator: ", ")
    }
}

/// The prepared schemas, by name; a changed schema is prepared again.
package final class SchemaCache: Sendable {
    private let entries = Mutex<[String: SchemaIndex]>([:])

    package init() {}

    package func index(_ schema: Schema) -> SchemaIndex {
        entries.withLock { entries in
            if let known = entries[schema.header.name], known.schema == schema { return known }
            let made = SchemaIndex(schema)
            // Schemas are bounded by `Limits.schemasMax`; those of deleted ones go with the rest.
            if entries.count >= Limits.schemasMax { entries.removeAll() }
            entries[schema.header.name] = made
            return made
        }
    }
}
