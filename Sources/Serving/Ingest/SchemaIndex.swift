package import Engine
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

/// The prepared schemas of the groups, each as good as the resources it was made from.
package final class SchemaCache: Sendable {
    private struct Key: Hashable {
        let group: ResourceName
        let kind: DatasetKind
    }

    private struct Entry {
        let index: SchemaIndex
        let version: UInt64
    }

    private let engine: DatasetEngine
    private let entries = Mutex<[Key: Entry]>([:])

    package init(engine: DatasetEngine) {
        self.engine = engine
    }

    /// The schema of one kind of a group's records; `nil` without such a dataset.
    ///
    /// One look-up while no resource changes.
    package func index(_ group: ResourceName, _ kind: DatasetKind) -> SchemaIndex? {
        let version = engine.resources.version
        let key = Key(group: group, kind: kind)
        let known = entries.withLock { $0[key] }
        if let known, known.version == version { return known.index }
        guard let schema = engine.schema(of: group, kind) else { return nil }
        let index = known.map(\.index).flatMap { $0.schema == schema ? $0 : nil }
        let made = index ?? SchemaIndex(schema)
        entries.withLock { entries in
            // Groups are bounded by `Limits.datasetGroupsMax`; deleted ones go with the rest.
            if entries.count >= Limits.datasetGroupsMax * DatasetKind.allCases.count {
                entries.removeAll()
            }
            entries[key] = Entry(index: made, version: version)
        }
        return made
    }
}
