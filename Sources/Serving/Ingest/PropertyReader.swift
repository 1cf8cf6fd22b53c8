import Engine
import Formats
import Primitives
import Resources

/// Reads one record's `properties` against its schema.
struct PropertyReader {
    private let index: SchemaIndex
    private let path: RecordPath
    /// Where the properties without JSON are.
    private let typedPath: RecordPath
    /// Only some properties are given: the others stay, and null removes.
    private let isUpdate: Bool
    /// The columns that were named, by place; only of an update.
    private(set) var named: [Int] = []
    /// An update removes `CREATION_TIMESTAMP`.
    private(set) var removesCreation = false
    /// `itemId` inside the properties of an event, and where it stands.
    private(set) var itemID: (text: String, field: String)?
    /// `eventValue` inside the properties of an event.
    private(set) var eventValue: Double?
    /// `CREATION_TIMESTAMP` of an item.
    private(set) var createdAt: Timestamp?

    /// `path` is the record's.
    init(_ index: SchemaIndex, at path: RecordPath, isUpdate: Bool = false) {
        self.index = index
        self.path = path.member(".properties")
        typedPath = path.member(".typed_properties")
        self.isUpdate = isUpdate
    }

    /// The values by column; whatever is wrong goes to `violations`.
    mutating func read(
        _ text: String,
        typed: [TypedProperty],
        _ json: JSONReader,
        _ violations: inout Violations
    ) -> RecordProperties {
        var result = RecordProperties()
        var seen: Set<String> = []
        if !text.isEmpty {
            guard let members = members(text, json, &violations) else { return result }
            for member in members {
                let folded = SchemaField.fold(member.key)
                let field = "\(path).\(shown(member.key))"
                guard seen.insert(folded).inserted else {
                    violations.add(field, "stands here twice")
                    continue
                }
                take(member, folded, field, &result, &violations)
            }
        }
        for (position, property) in typed.enumerated() {
            let field = "\(typedPath)[\(position)]"
            guard let folded = checkedName(property, &seen, field, &violations) else { continue }
            let member = JSONMember(key: property.name, value: property.json)
            take(member, folded, field, &result, &violations)
        }
        checkRequired(result, &violations)
        while result.values.last == .null { result.values.removeLast() }
        return result
    }

    /// The folded name of a property that may be taken.
    private func checkedName(
        _ property: TypedProperty,
        _ seen: inout Set<String>,
        _ field: String,
        _ violations: inout Violations
    ) -> String? {
        let folded = SchemaField.fold(property.name)
        guard !folded.isEmpty else {
            violations.add("\(field).name", "is required; a column's name")
            return nil
        }
        guard seen.insert(folded).inserted else {
            violations.add(
                "\(field).name",
                "'\(shown(property.name))' stands twice, here or in properties"
            )
            return nil
        }
        guard case .list(let texts) = property.value else { return folded }
        let column = index.columnByName[folded].map { index.columns[$0] }
        if let column, !column.isCategorical {
            violations.add(
                "\(field).list_value",
                "is a list; \(column.name) is of type \(column.type) and not categorical"
            )
            return nil
        }
        for (place, text) in texts.enumerated() where text.isEmpty || text.utf8.contains(0x7C) {
            violations.add(
                "\(field).list_value.values[\(place)]",
                text.isEmpty ? "is empty" : "has a '|', which stands between categories"
            )
            return nil
        }
        return folded
    }

    private func members(
        _ text: String,
        _ json: JSONReader,
        _ violations: inout Violations
    ) -> [JSONMember]? {
        do throws(JSONError) {
            guard case .object(let members) = try json.parse(text) else {
                violations.add("\(path)", "is JSON, but not an object of names and values")
                return nil
            }
            return members
        } catch {
            violations.add("\(path)", "is no JSON document: \(error.message)")
            return nil
        }
    }

    private mutating func take(
        _ member: JSONMember,
        _ folded: String,
        _ field: String,
        _ result: inout RecordProperties,
        _ violations: inout Violations
    ) {
        if takeReserved(member, folded, field, &violations) { return }
        guard let column = index.columnByName[folded] else {
            if index.schema.isOpen {
                addOpen(member, field, &result, &violations)
            } else {
                violations.add(field, "is not in the schema, which has \(index.knownNames)")
            }
            return
        }
        if isUpdate { named.append(column) }
        while result.values.count <= column { result.values.append(.null) }
        result.values[column] = value(member.value, index.columns[column], field, &violations)
    }

    /// True when the key is one of the record's own fields, taken or refused.
    private mutating func takeReserved(
        _ member: JSONMember,
        _ folded: String,
        _ field: String,
        _ violations: inout Violations
    ) -> Bool {
        switch (index.schema.kind, folded) {
        case (.interactions, "itemid"):
            if case .string(let text) = member.value {
                itemID = (text, field)
            } else {
                violations.add(field, "is \(member.value.typeName); a string is needed")
            }
        case (.interactions, "eventvalue"):
            eventValue = number(member.value)
            if eventValue == nil && member.value != .null {
                violations.add(field, "is \(shown(member.value)); a number is needed")
            }
        case (.interactions, "userid"), (.interactions, "sessionid"), (.interactions, "eventtype"),
            (.interactions, "timestamp"), (.interactions, "recommendationid"),
            (.interactions, "impression"), (.interactions, "eventattributionsource"):
            violations.add(field, "is not allowed in properties; it has a field of its own")
        case (.items, "creationtimestamp"):
            takeCreation(member.value, field, &violations)
        case (.items, "itemid"), (.users, "userid"):
            violations.add(field, "is not allowed in properties; it has a field of its own")
        default:
            return false
        }
        return true
    }

    /// The second in which the year 9999 is over.
    private static let yearsEnd: Int64 = 253_402_300_800

    private mutating func takeCreation(
        _ value: JSONValue,
        _ field: String,
        _ violations: inout Violations
    ) {
        if value == .null {
            removesCreation = isUpdate
            return
        }
        let isDeclared =
            index.schema.isOpen
            || index.schema.fields.contains { $0.name == "CREATION_TIMESTAMP" }
        guard isDeclared else {
            return violations.add(field, "is not in the schema, which has \(index.knownNames)")
        }
        let seconds = whole(value)
        guard let seconds, (0..<Self.yearsEnd).contains(seconds) else {
            let isOfUnitMS = (Self.yearsEnd..<Self.yearsEnd * 1_000).contains(seconds ?? 0)
            let hint = isOfUnitMS ? "; it reads as milliseconds" : ""
            let found = seconds.map(String.init) ?? shown(value)
            return violations.add(
                field,
                "is \(found); whole seconds from 1970 to 9999 are needed\(hint)"
            )
        }
        createdAt = Timestamp(milliseconds: seconds * 1_000)
    }

    private func addOpen(
        _ member: JSONMember,
        _ field: String,
        _ result: inout RecordProperties,
        _ violations: inout Violations
    ) {
        guard SchemaField.isName(member.key) else {
            return violations.add(
                field,
                "can't be a column: 1 to 150 letters, digits and '_', no digit first"
            )
        }
        let value: PropertyValue
        switch member.value {
        case .null: return
        case .string(let text):
            guard text.unicodeScalars.count <= Limits.valueCharactersMax else {
                return violations.add(
                    field,
                    "has more than \(Limits.valueCharactersMax) characters"
                )
            }
            value = .string(text)
        case .integer(let number): value = .integer(number)
        case .double(let number):
            guard number.isFinite else {
                return violations.add(field, "is \(number); a finite number is needed")
            }
            value = .double(number)
        case .boolean(let flag): value = .boolean(flag)
        case .array, .object:
            return violations.add(field, "is \(member.value.typeName); records are flat")
        }
        result.added.append(.init(name: member.key, value: value))
    }

    private func checkRequired(_ result: RecordProperties, _ violations: inout Violations) {
        for (position, column) in index.columns.enumerated() where !column.isNullable {
            let isThere = position < result.values.count && result.values[position] != .null
            if isUpdate {
                if !isThere && named.contains(position) {
                    violations.add(
                        "\(path).\(column.name)",
                        "is required by the schema and can't be removed"
                    )
                }
            } else if !isThere {
                violations.add("\(path).\(column.name)", "is required by the schema and missing")
            }
        }
    }

    // MARK: Values

    private func value(
        _ value: JSONValue,
        _ column: SchemaField,
        _ field: String,
        _ violations: inout Violations
    ) -> PropertyValue {
        if value == .null { return .null }
        switch column.type {
        case .string:
            if case .string(let text) = value { return string(text, column, field, &violations) }
        case .int:
            if let number = whole(value), Int32(exactly: number) != nil { return .integer(number) }
        case .long:
            if let number = whole(value) { return .integer(number) }
        case .float:
            if let number = number(value), Float(number).isFinite { return .double(number) }
        case .double:
            if let number = number(value) { return .double(number) }
        case .boolean:
            if case .boolean(let flag) = value { return .boolean(flag) }
            if value == .string("true") { return .boolean(true) }
            if value == .string("false") { return .boolean(false) }
        }
        violations.add(
            field,
            "is \(shown(value)); \(column.name) is of type \(column.type)"
        )
        return .null
    }

    private func string(
        _ text: String,
        _ column: SchemaField,
        _ field: String,
        _ violations: inout Violations
    ) -> PropertyValue {
        if column.isTextual {
            return .string(
                text.utf8.count <= Limits.textualCharactersMax
                    ? text
                    : String(
                        String.UnicodeScalarView(
                            text.unicodeScalars.prefix(Limits.textualCharactersMax)
                        )
                    )
            )
        }
        violations.checkLength(text, Limits.valueCharactersMax, field)
        return .string(text)
    }

    /// Numbers may be written as strings.
    private func whole(_ value: JSONValue) -> Int64? {
        switch value {
        case .integer(let number): number
        case .double(let number): Int64(exactly: number)
        case .string(let text): Int64(text)
        default: nil
        }
    }

    private func number(_ value: JSONValue) -> Double? {
        let number: Double? =
            switch value {
            case .integer(let number): Double(number)
            case .double(let number): number
            case .string(let text): Double(text)
            default: nil
            }
        return number.flatMap { $0.isFinite ? $0 : nil }
    }

    private func shown(_ key: String) -> String { String(key.prefix(60)) }

    private func shown(_ value: JSONValue) -> String {
        if case .string(let text) = value { return "\"\(text.prefix(60))\"" }
        return value.typeName
    }
}
