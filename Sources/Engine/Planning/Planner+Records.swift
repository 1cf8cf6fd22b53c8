import Primitives
import Resources

extension Planner {
    /// Plans records of any kind, in order.
    ///
    /// All or nothing, unless the batch is partial: then a bad record is listed and the others
    /// count.
    mutating func putRecords(
        _ groupName: ResourceName,
        _ tracker: ResourceName?,
        _ records: RecordBatch
    ) throws(Stop) -> MutationOutcome {
        let group = try group(groupName)
        if let producer = records.producer {
            let key = ProducerKey(producer.producerID, of: group.index, engine.hash)
            if let answer = try firstAnswer(to: producer, key) { return answer }
            let outcome = try putNew(groupName, tracker, records, group)
            remember(outcome, to: producer, key)
            return outcome
        }
        return try putNew(groupName, tracker, records, group)
    }

    private mutating func putNew(
        _ groupName: ResourceName,
        _ tracker: ResourceName?,
        _ records: RecordBatch,
        _ group: DatasetGroup
    ) throws(Stop) -> MutationOutcome {
        try check(tracker)
        var schemas: [DatasetKind: Schema] = [:]
        var outcome = MutationOutcome(position: position)
        outcome.rejected = records.rejected
        if records.list == .eventList {
            outcome.eventIDs = Array(repeating: "", count: records.count)
        }
        undo = records.isPartial ? UndoLog() : nil
        for entry in records.entries {
            undo?.begin(effectCount: effects.count)
            do throws(Stop) {
                try put(entry, of: records, group, groupName, &schemas, &outcome)
            } catch {
                guard case .refused(let refusal) = error, records.isPartial else { throw error }
                outcome.rejected.append(RejectedRecord(index: entry.index, refusal: refusal))
                // The schema may have grown a column for this record.
                if takeBack() { schemas = [:] }
            }
        }
        outcome.rejected.sort { $0.index < $1.index }
        return outcome
    }

    private mutating func put(
        _ entry: RecordBatch.Entry,
        of records: RecordBatch,
        _ group: DatasetGroup,
        _ groupName: ResourceName,
        _ schemas: inout [DatasetKind: Schema],
        _ outcome: inout MutationOutcome
    ) throws(Stop) {
        switch entry.record {
        case .event(let userID, let sessionID, var event):
            if try isErased(event, userID: userID, sessionID: sessionID, group.index) {
                if records.list == .eventList { outcome.eventIDs[entry.index] = event.eventID }
                outcome.duplicateCount += 1
                return
            }
            event.properties = try columns(
                event.properties,
                .interactions,
                groupName,
                &schemas,
                records.path(of: entry)
            )
            let (owner, session) = try owner(
                group.index,
                userID: userID,
                sessionID: sessionID
            )
            let fate = try putEvent(event, entry.index, group.index, owner, session)
            guard let id = outcome.count(fate) else {
                return try Self.refuse([
                    Self.conflict(event.eventID, records.path(of: entry) + ".event_id")
                ])
            }
            if records.list == .eventList { outcome.eventIDs[entry.index] = id }
            if case .applied = fate {
                let key = PlanOverlay.Key(group: group.index, value: owner)
                local.ownersWithEvents.insert(key)
                local.placesByOwner[key, default: []].append(lastPlace)
            }
        case .user(var user):
            user.properties = try columns(
                user.properties,
                .users,
                groupName,
                &schemas,
                records.path(of: entry)
            )
            try put(user, .users, group.index)
            outcome.appliedCount += 1
        case .item(var item):
            item.properties = try columns(
                item.properties,
                .items,
                groupName,
                &schemas,
                records.path(of: entry)
            )
            try put(item, .items, group.index)
            outcome.appliedCount += 1
        case .userUpdate(let change):
            let schema = try known(&schemas, .users, groupName)
            schemas[.users] = try update(change, schema, group.index, records.path(of: entry))
            outcome.appliedCount += 1
        case .itemUpdate(let change):
            let schema = try known(&schemas, .items, groupName)
            schemas[.items] = try update(change, schema, group.index, records.path(of: entry))
            outcome.appliedCount += 1
        }
    }

    /// The values by column, of a schema that is looked up once a call.
    private mutating func columns(
        _ properties: RecordProperties,
        _ kind: DatasetKind,
        _ group: ResourceName,
        _ schemas: inout [DatasetKind: Schema],
        _ path: @autoclosure () -> String
    ) throws(Stop) -> RecordProperties {
        guard !properties.added.isEmpty else { return properties }
        var schema = try known(&schemas, kind, group)
        let result = try columns(properties, &schema, path())
        schemas[kind] = schema
        return result
    }

    private func known(
        _ schemas: inout [DatasetKind: Schema],
        _ kind: DatasetKind,
        _ group: ResourceName
    ) throws(Stop) -> Schema {
        if let known = schemas[kind] { return known }
        let schema = try schema(group, kind)
        schemas[kind] = schema
        return schema
    }
}

extension MutationOutcome {
    /// Counts one event; its id, or `nil` for a conflict.
    mutating func count(_ fate: Planner.EventFate) -> String? {
        switch fate {
        case .applied(let id):
            appliedCount += 1
            return id
        case .duplicate(let id):
            duplicateCount += 1
            return id
        case .conflict:
            return nil
        }
    }
}
