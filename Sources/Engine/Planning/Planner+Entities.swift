import Primitives
import Resources

extension Planner {
    mutating func putEntities(
        _ groupName: ResourceName,
        _ kind: DatasetKind,
        _ records: [EntityRecord]
    ) throws(Stop) -> MutationOutcome {
        let group = try group(groupName)
        var schema = try schema(groupName, kind)
        let list = kind == .users ? "users" : "items"
        for (index, given) in records.enumerated() {
            var record = given
            record.properties = try columns(given.properties, &schema, "\(list)[\(index)]")
            try put(record, kind, group.index)
        }
        return MutationOutcome(position: position, appliedCount: records.count)
    }

    /// Refuses a group without the dataset; one look-up again and again while nothing changes.
    func checkDataset(_ group: ResourceName, _ kind: DatasetKind) throws(Stop) {
        let version = engine.resources.version
        let isChanging = !batch.resources.isEmpty || !local.resources.isEmpty
        if !isChanging, let checked = engine.writer.checkedDataset,
            checked == (group, kind, version)
        {
            return
        }
        _ = try schema(group, kind)
        if !isChanging { engine.writer.checkedDataset = (group, kind, version) }
    }

    /// The schema of a group's dataset, as it will be.
    func schema(_ group: ResourceName, _ kind: DatasetKind) throws(Stop) -> Schema {
        let name = group.child("datasets", kind.collectionLabel)
        guard case .dataset(let dataset) = resource(name) else {
            throw .refused(.missing(name, "dataset"))
        }
        guard case .schema(let schema) = resource(dataset.schema) else {
            throw .refused(.missing(dataset.schema, "schema"))
        }
        return dataset.arranged(schema)
    }

    /// The values by column, once an open schema has grown the columns that are new.
    mutating func columns(
        _ properties: RecordProperties,
        _ schema: inout Schema,
        _ path: @autoclosure () -> String
    ) throws(Stop) -> RecordProperties {
        guard !properties.added.isEmpty else { return properties }
        let path = path()
        var values = properties.values
        for added in properties.added where added.value != .null {
            let folded = SchemaField.fold(added.name)
            var columns = schema.ownColumns
            var column = columns.firstIndex { $0.foldedName == folded }
            if column == nil {
                let field = try newField(added, schema, columns.count, path)
                schema.fields.append(field)
                schema.header.revision += 1
                schema.header.updatedAt = now
                columns.append(field)
                column = columns.count - 1
                store(.schema(schema))
            }
            guard let column else { continue }
            while values.count <= column { values.append(.null) }
            values[column] = try convert(added, to: columns[column], path)
        }
        return RecordProperties(values: values)
    }

    /// The column that a property makes, typed by this first value.
    private func newField(
        _ added: RecordProperties.NamedValue,
        _ schema: Schema,
        _ count: Int,
        _ path: String
    ) throws(Stop) -> SchemaField {
        guard count < Limits.openSchemaColumnsMax else {
            throw .refused(
                .invalid(
                    "\(path).properties.\(added.name)",
                    "would be one more column than the \(Limits.openSchemaColumnsMax) "
                        + "that an open schema may grow"
                )
            )
        }
        let type: FieldType
        var isCategorical = false
        switch added.value {
        case .string(let text):
            type = .string
            isCategorical = text.contains("|")
        case .integer: type = .long
        case .double: type = .double
        case .boolean: type = .boolean
        case .null: type = .string
        }
        return SchemaField(
            name: Self.columnName(added.name),
            type: type,
            isNullable: true,
            isCategorical: isCategorical
        )
    }

    /// `numRatings` → `NUM_RATINGS`, as Personalize's keys and columns correspond.
    static func columnName(_ key: String) -> String {
        var name = ""
        var previousIsLower = false
        for character in key {
            if character.isUppercase && previousIsLower { name += "_" }
            name += character.uppercased()
            previousIsLower = character.isLowercase || character.isNumber
        }
        return name
    }

    private func convert(
        _ added: RecordProperties.NamedValue,
        to field: SchemaField,
        _ path: String
    ) throws(Stop) -> PropertyValue {
        switch (field.type, added.value) {
        case (.string, .string), (.long, .integer), (.double, .double), (.boolean, .boolean):
            return added.value
        case (.double, .integer(let value)):
            return .double(Double(value))
        default:
            throw .refused(
                .invalid(
                    "\(path).properties.\(added.name)",
                    "is \(added.value.typeName), but the column \(field.name) became a "
                        + "\(field.type) with its first value"
                )
            )
        }
    }

    mutating func store(_ resource: Resource) {
        let name = resource.resourceName
        undo?.steps.append(.resource(name, previous: local.resources[name]))
        local.resources[name] = .some(resource)
        effects.append(.resourceStored(name, resource))
    }
}

extension PropertyValue {
    var typeName: String {
        switch self {
        case .null: "null"
        case .string: "a string"
        case .integer: "a whole number"
        case .double: "a number"
        case .boolean: "a boolean"
        }
    }
}
