package import Engine
import Formats
import Primitives
package import Resources

/// A record's properties as the JSON text that would put them.
package struct PropertyText: Sendable {
    private let columns: [SchemaField]
    private let keys: [String]

    /// - Parameter schema: The schema of the records; `nil` when their dataset is gone.
    package init(_ schema: Schema?) {
        columns = schema?.ownColumns ?? []
        keys = columns.map { Self.key($0.name) }
    }

    /// A user's or an item's; empty when all are null.
    package func text(_ record: EntityRecord) -> String {
        var json = JSONText()
        let isEmpty = !append(record.properties, to: &json)
        guard let createdAt = record.createdAt else { return isEmpty ? "" : json.finished }
        json.add("creationTimestamp", createdAt.milliseconds / 1_000)
        return json.finished
    }

    /// An event's; empty when all are null.
    package func text(_ properties: RecordProperties) -> String {
        var json = JSONText()
        return append(properties, to: &json) ? json.finished : ""
    }

    private func append(_ properties: RecordProperties, to json: inout JSONText) -> Bool {
        var hasAny = false
        for (key, value) in zip(keys, properties.values) where value != .null {
            hasAny = true
            switch value {
            case .null: break
            case .string(let text): json.add(key, text)
            case .integer(let number): json.add(key, number)
            case .double(let number): json.add(key, number)
            case .boolean(let flag): json.add(key, flag)
            }
        }
        return hasAny
    }

    /// `NUM_RATINGS` → `numRatings`, as Personalize's columns and keys correspond.
    package static func key(_ column: String) -> String {
        var key = ""
        var isAfterUnderscore = false
        for character in column {
            if character == "_" {
                isAfterUnderscore = !key.isEmpty
                continue
            }
            key += isAfterUnderscore ? character.uppercased() : character.lowercased()
            isAfterUnderscore = false
        }
        return key
    }
}
