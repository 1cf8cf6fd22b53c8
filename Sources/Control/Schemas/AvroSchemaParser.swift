import Formats
import Primitives
package import Resources

/// Reads a schema document: the subset of Avro's JSON that Amazon Personalize takes.
package enum AvroSchemaParser {
    /// What a document says.
    package struct Parsed: Hashable, Sendable {
        package var kind: DatasetKind
        package var fields: [SchemaField]
    }

    /// Checks a document against every rule for custom dataset groups.
    ///
    /// - Throws: `invalidInput` with all violations, at paths such as `schema.fields[3].type`.
    package static func parse(_ document: String) throws(Refusal) -> Parsed {
        let count = document.unicodeScalars.count
        guard count > 0 else {
            throw .invalid("schema", "is required; give an Avro record in JSON")
        }
        guard count <= Limits.schemaCharactersMax else {
            throw .invalid(
                "schema",
                "has \(count) characters; at most \(Limits.schemaCharactersMax) are allowed"
            )
        }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONReader().parse(document)
        } catch {
            throw .invalid("schema", "is no JSON document: \(error.message)")
        }
        var check = SchemaCheck()
        guard let parsed = check.record(value), check.violations.isEmpty else {
            throw refusal(check.violations)
        }
        return parsed
    }

    private static func refusal(_ violations: [Refusal.FieldViolation]) -> Refusal {
        let first = violations.first
        let more = violations.count > 1 ? " (and \(violations.count - 1) more)" : ""
        return Refusal(
            .invalidInput,
            "\(first?.field ?? "schema"): \(first?.description ?? "is not valid")\(more)",
            violations: violations
        )
    }
}

/// One walk over a document; gathers all that is wrong.
private struct SchemaCheck {
    var violations: [Refusal.FieldViolation] = []

    mutating func record(_ value: JSONValue) -> AvroSchemaParser.Parsed? {
        guard case .object(let members) = value else {
            add("schema", "is \(value.typeName); an Avro record is a JSON object")
            return nil
        }
        only(["type", "name", "namespace", "fields", "version", "doc"], members, at: "schema")
        if text("type", members) != "record" {
            add("schema.type", "is \(found("type", members)); only \"record\" is allowed")
        }
        let kind: DatasetKind? =
            switch text("name", members) {
            case "Interactions": .interactions
            case "Items": .items
            case "Users": .users
            default: nil
            }
        guard let kind else {
            add(
                "schema.name",
                "is \(found("name", members)); allowed are \"Interactions\", \"Items\", \"Users\""
            )
            return nil
        }
        guard case .array(let items) = member("fields", members) else {
            add("schema.fields", "is \(found("fields", members)); an array of fields is needed")
            return nil
        }
        var fields: [SchemaField] = []
        for (index, item) in items.enumerated() {
            if let field = field(item, kind, at: "schema.fields[\(index)]") { fields.append(field) }
        }
        SchemaRules.check(fields, kind, items.count == fields.count, &violations)
        return AvroSchemaParser.Parsed(kind: kind, fields: fields)
    }

    private mutating func field(
        _ value: JSONValue,
        _ kind: DatasetKind,
        at path: String
    ) -> SchemaField? {
        guard case .object(let members) = value else {
            add(path, "is \(value.typeName); a field is a JSON object with name and type")
            return nil
        }
        only(["name", "type", "categorical", "textual", "itemName", "doc"], members, at: path)
        guard let name = text("name", members), SchemaField.isName(name) else {
            add(
                "\(path).name",
                "is \(found("name", members)); a name has 1 to 150 letters, digits and '_', "
                    + "not beginning with a digit"
            )
            return nil
        }
        guard let (type, isNullable) = type(member("type", members), at: path) else { return nil }
        var field = SchemaField(name: name, type: type, isNullable: isNullable)
        field.isCategorical = flag("categorical", members, at: path)
        field.isTextual = flag("textual", members, at: path)
        field.isItemName = flag("itemName", members, at: path)
        checkFlags(field, kind, at: path)
        return field
    }

    private mutating func checkFlags(_ field: SchemaField, _ kind: DatasetKind, at path: String) {
        for (name, isSet) in [
            ("categorical", field.isCategorical), ("textual", field.isTextual),
            ("itemName", field.isItemName),
        ] where isSet && field.type != .string {
            add("\(path).\(name)", "is only allowed on a string, and the type is \(field.type)")
        }
        for (name, isSet) in [("textual", field.isTextual), ("itemName", field.isItemName)]
        where isSet && kind != .items {
            add("\(path).\(name)", "is only allowed in a schema of Items")
        }
        if field.isCategorical && field.isTextual {
            add("\(path).textual", "can't be set together with categorical")
        }
    }

    private mutating func type(
        _ value: JSONValue?,
        at path: String
    ) -> (FieldType, isNullable: Bool)? {
        let allowed =
            "allowed are string, int, long, float, double, boolean, or a union of one of them "
            + "and null"
        switch value {
        case .string(let name):
            if let type = Self.types[name] { return (type, false) }
            add("\(path).type", "is \"\(name.prefix(60))\"; \(allowed)")
        case .array(let parts):
            let names = parts.compactMap { part -> String? in
                if case .string(let name) = part { return name }
                return nil
            }
            let scalars = names.filter { $0 != "null" }
            if names.count == 2, parts.count == 2, scalars.count == 1,
                let type = Self.types[scalars[0]]
            {
                return (type, true)
            }
            add("\(path).type", "is a union that is not one scalar type and null; \(allowed)")
        case nil:
            add("\(path).type", "is missing; \(allowed)")
        case .some(let other):
            add("\(path).type", "is \(other.typeName); records are flat: \(allowed)")
        }
        return nil
    }

    private static let types: [String: FieldType] = [
        "string": .string, "int": .int, "long": .long, "float": .float, "double": .double,
        "boolean": .boolean,
    ]

    // MARK: Members

    private func member(_ key: String, _ members: [JSONMember]) -> JSONValue? {
        members.last { $0.key == key }?.value
    }

    private func text(_ key: String, _ members: [JSONMember]) -> String? {
        if case .string(let text) = member(key, members) { return text }
        return nil
    }

    private mutating func flag(_ key: String, _ members: [JSONMember], at path: String) -> Bool {
        switch member(key, members) {
        case nil: return false
        case .boolean(let flag): return flag
        case .some(let other):
            add("\(path).\(key)", "is \(other.typeName); true or false is needed")
            return false
        }
    }

    private func found(_ key: String, _ members: [JSONMember]) -> String {
        switch member(key, members) {
        case nil: "missing"
        case .string(let text): "\"\(text.prefix(200))\""
        case .some(let other): other.typeName
        }
    }

    private mutating func only(_ allowed: [String], _ members: [JSONMember], at path: String) {
        var seen: Set<String> = []
        for member in members {
            let shown = member.key.prefix(60)
            if !seen.insert(member.key).inserted { add("\(path).\(shown)", "stands here twice") }
            guard !allowed.contains(member.key) else { continue }
            add(
                "\(path).\(shown)",
                "is not known here; allowed are \(allowed.joined(separator: ", "))"
            )
        }
    }

    private mutating func add(_ field: String, _ description: String) {
        guard violations.count < Limits.violationsMax else { return }
        violations.append(.init(field: field, description: description))
    }
}
