import Primitives
package import Resources

/// What the fields of a custom group's schema must be together.
enum SchemaRules {
    private struct Reserved {
        var name: String
        var type: FieldType
        var isRequired = false
        var mayBeNull = false
    }

    private static func reserved(_ kind: DatasetKind) -> [Reserved] {
        switch kind {
        case .interactions:
            [
                Reserved(name: "USER_ID", type: .string, isRequired: true),
                Reserved(name: "ITEM_ID", type: .string, isRequired: true),
                Reserved(name: "TIMESTAMP", type: .long, isRequired: true),
                Reserved(name: "EVENT_TYPE", type: .string),
                Reserved(name: "EVENT_VALUE", type: .float, mayBeNull: true),
                Reserved(name: "IMPRESSION", type: .string, mayBeNull: true),
                Reserved(name: "RECOMMENDATION_ID", type: .string, mayBeNull: true),
                Reserved(name: "EVENT_ATTRIBUTION_SOURCE", type: .string, mayBeNull: true),
            ]
        case .items:
            [
                Reserved(name: "ITEM_ID", type: .string, isRequired: true),
                Reserved(name: "CREATION_TIMESTAMP", type: .long, mayBeNull: true),
            ]
        case .users: [Reserved(name: "USER_ID", type: .string, isRequired: true)]
        }
    }

    private static func ownColumnsMax(_ kind: DatasetKind) -> Int {
        switch kind {
        case .interactions: 5
        case .items: 100
        case .users: 25
        }
    }

    /// `isComplete`: every field could be read, so that what is missing is really missing.
    static func check(
        _ fields: [SchemaField],
        _ kind: DatasetKind,
        _ isComplete: Bool,
        _ violations: inout [Refusal.FieldViolation]
    ) {
        checkNames(fields, &violations)
        let reserved = reserved(kind)
        for (index, field) in fields.enumerated() {
            guard
                let rule = reserved.first(where: { SchemaField.fold($0.name) == field.foldedName })
            else { continue }
            check(field, rule, at: "schema.fields[\(index)]", &violations)
        }
        guard isComplete else { return }
        for rule in reserved where rule.isRequired {
            if !fields.contains(where: { $0.name == rule.name }) {
                violations.append(
                    .init(
                        field: "schema.fields",
                        description: "lacks \(rule.name) of type \(rule.type), which is required"
                    )
                )
            }
        }
        checkOwnColumns(fields, kind, &violations)
    }

    private static func checkNames(
        _ fields: [SchemaField],
        _ violations: inout [Refusal.FieldViolation]
    ) {
        var seen: [String: String] = [:]
        for (index, field) in fields.enumerated() {
            if let other = seen[field.foldedName] {
                violations.append(
                    .init(
                        field: "schema.fields[\(index)].name",
                        description: "'\(field.name)' and '\(other)' are the same name once case "
                            + "and '_' are left out"
                    )
                )
            }
            seen[field.foldedName] = field.name
        }
    }

    private static func check(
        _ field: SchemaField,
        _ rule: Reserved,
        at path: String,
        _ violations: inout [Refusal.FieldViolation]
    ) {
        if field.name != rule.name {
            violations.append(
                .init(
                    field: "\(path).name",
                    description: "'\(field.name)' must be written '\(rule.name)', which is reserved"
                )
            )
        }
        let isNumberOfEitherSize = rule.type == .float && field.type == .double
        if field.type != rule.type && !isNumberOfEitherSize {
            violations.append(
                .init(
                    field: "\(path).type",
                    description: "is \(field.type); \(rule.name) has the type \(rule.type)"
                )
            )
        }
        if field.isNullable && !rule.mayBeNull {
            violations.append(
                .init(field: "\(path).type", description: "can't be null: \(rule.name) is required")
            )
        }
        if field.isCategorical || field.isTextual {
            violations.append(
                .init(
                    field: "\(path).\(field.isCategorical ? "categorical" : "textual")",
                    description: "is not allowed on \(rule.name), which is reserved"
                )
            )
        }
    }

    private static func checkOwnColumns(
        _ fields: [SchemaField],
        _ kind: DatasetKind,
        _ violations: inout [Refusal.FieldViolation]
    ) {
        let own = fields.filter { !Schema.isReserved($0.foldedName, kind) }
        let most = ownColumnsMax(kind)
        if own.count > most {
            violations.append(
                .init(
                    field: "schema.fields",
                    description:
                        "has \(own.count) columns beside the reserved ones; at most \(most) "
                        + "are allowed"
                )
            )
        }
        let hasMetadata =
            own.contains { field in
                field.isCategorical || field.isTextual
                    || (field.type != .string && field.type != .boolean)
            }
            || (kind == .items && fields.contains { $0.name == "CREATION_TIMESTAMP" })
        if kind != .interactions && !hasMetadata {
            violations.append(
                .init(
                    field: "schema.fields",
                    description: "needs at least one categorical string"
                        + (kind == .items ? ", textual string" : "") + " or number beside the id"
                )
            )
        }
        if own.filter(\.isTextual).count > 1 {
            violations.append(
                .init(
                    field: "schema.fields",
                    description:
                        "has \(own.filter(\.isTextual).count) textual columns; at most 1 is "
                        + "allowed"
                )
            )
        }
        if own.filter(\.isItemName).count > 1 {
            violations.append(
                .init(
                    field: "schema.fields",
                    description: "has \(own.filter(\.isItemName).count) columns with itemName; at "
                        + "most 1 is allowed"
                )
            )
        }
    }
}

/// What a schema of a starter group begins with: the reserved fields; columns come with the
/// records.
package enum OpenSchemas {
    package static func fields(_ kind: DatasetKind) -> [SchemaField] {
        switch kind {
        case .interactions:
            [
                SchemaField(name: "USER_ID", type: .string),
                SchemaField(name: "ITEM_ID", type: .string),
                SchemaField(name: "TIMESTAMP", type: .long),
                SchemaField(name: "EVENT_TYPE", type: .string),
                SchemaField(name: "EVENT_VALUE", type: .float, isNullable: true),
            ]
        case .items:
            [
                SchemaField(name: "ITEM_ID", type: .string),
                SchemaField(name: "CREATION_TIMESTAMP", type: .long, isNullable: true),
            ]
        case .users: [SchemaField(name: "USER_ID", type: .string)]
        }
    }
}
