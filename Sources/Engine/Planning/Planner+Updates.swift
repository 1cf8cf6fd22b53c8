import Primitives
import Resources

/// Records of users and items: replaced as a whole, or changed in some properties.
extension Planner {
    /// Plans a whole record whose properties are by column.
    mutating func put(
        _ record: EntityRecord,
        _ kind: DatasetKind,
        _ group: GroupIndex
    ) throws(Stop) {
        let index: UInt32
        if kind == .users {
            let user = owner(group, .user, record.id)
            var record = record
            record.id = engine.stored(group)?.keptID(record.id, of: user) ?? record.id
            index = user.rawValue
            try grow(group, by: record, kind, index)
            effects.append(.userStored(group, user, record))
        } else {
            let item = item(group, record.id)
            index = item.rawValue
            try grow(group, by: record, kind, index)
            effects.append(.itemStored(group, item, record))
        }
        let key = PlanOverlay.EntityKey(kind: kind, index: index)
        local.entities[.init(group: group, value: key)] = lastPlace
    }

    /// Plans a change of some properties of a record that is there.
    ///
    /// - Returns: The schema, which may have grown.
    /// - Throws: `resourceNotFound` when no record of this id was put.
    mutating func update(
        _ change: EntityUpdate,
        _ schema: Schema,
        _ group: GroupIndex,
        _ path: String
    ) throws(Stop) -> Schema {
        var schema = schema
        let kind = schema.kind
        guard var record = record(change.id, kind, group) else {
            let noun = kind == .users ? "user" : "item"
            throw .refused(
                Refusal(
                    .resourceNotFound,
                    "\(path).\(noun)_id: no \(noun) '\(change.id)' was put, so there is nothing to "
                        + "update",
                    violations: [
                        .init(field: "\(path).\(noun)_id", description: "was not put")
                    ]
                )
            )
        }
        var values = record.properties.values
        for column in change.named {
            let given = change.properties.values
            while values.count <= column { values.append(.null) }
            values[column] = column < given.count ? given[column] : .null
        }
        record.properties = try columns(
            RecordProperties(values: values, added: change.properties.added),
            &schema,
            path
        )
        while record.properties.values.last == .null { record.properties.values.removeLast() }
        if let createdAt = change.createdAt { record.createdAt = createdAt }
        try put(record, kind, group)
        return schema
    }

    /// The record of an id as it will be; `nil` when none was put.
    func record(_ id: String, _ kind: DatasetKind, _ group: GroupIndex) -> EntityRecord? {
        let index: UInt32?
        if kind == .users {
            index = knownOwner(group, .user, id)?.rawValue
        } else {
            let key = PlanOverlay.Key(group: group, value: id)
            index =
                engine.stored(group)?.items.index(of: id)
                ?? (local.items[key] ?? batch.items[key])?.rawValue
        }
        return index.flatMap { record($0, kind, group) }
    }

    /// The same for an index.
    func record(_ index: UInt32, _ kind: DatasetKind, _ group: GroupIndex) -> EntityRecord? {
        let key = PlanOverlay.Key(
            group: group,
            value: PlanOverlay.EntityKey(kind: kind, index: index)
        )
        guard let place = local.entities[key] ?? batch.entities[key] else {
            return engine.stored(group)?.record(kind, index)
        }
        switch effect(at: place) {
        case .userStored(_, _, let record), .itemStored(_, _, let record): return record
        default: preconditionFailure("a record's place holds another effect")
        }
    }
}
