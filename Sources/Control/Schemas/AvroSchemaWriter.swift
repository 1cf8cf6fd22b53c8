package import Resources

/// Writes a schema as the document that would declare it; for open schemas, which have none of
/// their own.
package enum AvroSchemaWriter {
    package static func document(_ schema: Schema) -> String {
        let name =
            switch schema.kind {
            case .interactions: "Interactions"
            case .items: "Items"
            case .users: "Users"
            }
        let fields = schema.fields.map { field in
            let type = field.isNullable ? "[\"\(field.type)\", \"null\"]" : "\"\(field.type)\""
            let categorical = field.isCategorical ? ", \"categorical\": true" : ""
            return "{\"name\": \"\(field.name)\", \"type\": \(type)\(categorical)}"
        }
        return "{\"type\": \"record\", \"name\": \"\(name)\", "
            + "\"namespace\": \"com.amazonaws.personalize.schema\", "
            + "\"fields\": [\(fields.joined(separator: ", "))], \"version\": \"1.0\"}"
    }
}
