package import Primitives
package import Resources

/// What planning a mutation came to.
package enum Plan: Sendable {
    case ready(Effects, MutationOutcome)
    /// It depends on what this batch has pending: commit that first, then plan again.
    case needsCommit
}

/// Decides what one mutation does, against the engine and what its batch has planned already.
///
/// Runs on the writer's thread. Nothing it touches is changed unless it returns `.ready`.
struct Planner {
    /// Why planning stopped: refused, or to be tried again behind a commit.
    enum Stop: Error {
        case refused(Refusal)
        case needsCommit
    }

    let engine: DatasetEngine
    let position: LogPosition
    let now: Timestamp
    let facts: any FactReader
    let planned: PlannedBatch
    /// The batch so far.
    var batch: PlanOverlay {
        _read { yield planned.overlay }
    }
    /// What this mutation adds.
    var local = PlanOverlay()
    var effects: [Effect] = []
    /// The type of the event before, which is mostly that of the next.
    var lastType: (name: String, type: EventTypeIndex)?
    /// How to take back what one record of a partial call did; `nil` where all are refused at once.
    var undo: UndoLog?

    mutating func plan(_ mutation: Mutation) throws(Stop) -> MutationOutcome {
        switch mutation {
        case .putEvents(let group, let tracker, let events):
            return try putEvents(group, tracker, events)
        case .putRecords(let group, let tracker, let batch):
            return try putRecords(group, tracker, batch)
        case .putUsers(let group, let records):
            return try putEntities(group, .users, records)
        case .putItems(let group, let records):
            return try putEntities(group, .items, records)
        case .createResources(let resources, let requestID):
            return try create(resources, requestID)
        case .updateResource(let resource):
            return try update(resource)
        case .delete(let group, let deletion):
            return try delete(deletion, group)
        case .mergeUsers(let group, let merged, let kept):
            return try merge(merged, into: kept, group)
        case .deleteResource(let name, let etag):
            return try delete(name, etag)
        case .job(let step):
            return try plan(step)
        }
    }

    // MARK: Lookups: this mutation, its batch, the engine

    func resource(_ name: ResourceName) -> Resource? {
        if let known = local.resources[name] { return known }
        if let known = batch.resources[name] { return known }
        return engine.resources[name]
    }

    /// All resources of a kind below a parent, as they will be.
    func resources(_ kind: ResourceKind, below parent: ResourceName? = nil) -> [Resource] {
        var all: [ResourceName: Resource] = [:]
        for resource in engine.resources.all(kind, below: parent) {
            all[resource.resourceName] = resource
        }
        for overlay in [batch, local] {
            for (name, resource) in overlay.resources {
                guard let resource else {
                    all[name] = nil
                    continue
                }
                let isBelow = parent.map { name.text.hasPrefix($0.text + "/") } ?? true
                if resource.kind == kind && isBelow { all[name] = resource }
            }
        }
        return all.values.sorted { $0.resourceName.text < $1.resourceName.text }
    }

    func group(_ name: ResourceName) throws(Stop) -> DatasetGroup {
        guard case .datasetGroup(let group) = resource(name) else {
            throw .refused(.missing(name, "dataset group"))
        }
        if batch.deletedGroups.contains(group.index) { throw .needsCommit }
        return group
    }

    mutating func item(_ group: GroupIndex, _ id: String) -> ItemIndex {
        let store = engine.stored(group)
        if let known = store?.items.index(of: id) { return ItemIndex(known) }
        let key = PlanOverlay.Key(group: group, value: id)
        if let known = local.items[key] ?? batch.items[key] { return known }
        let count =
            (store?.items.count ?? 0) + (batch.newItems[group] ?? 0) + (local.newItems[group] ?? 0)
        let item = ItemIndex(UInt32(count))
        local.items[key] = item
        local.newItems[group, default: 0] += 1
        undo?.steps.append(.item(key))
        effects.append(.itemNamed(group, item, id: id))
        return item
    }

    func knownOwner(_ group: GroupIndex, _ kind: OwnerKind, _ id: String) -> UserIndex? {
        if let known = engine.stored(group)?.owner(id, kind) { return known }
        let key = PlanOverlay.Key(group: group, value: PlanOverlay.OwnerID(kind: kind, id: id))
        return local.owners[key] ?? batch.owners[key]
    }

    mutating func owner(_ group: GroupIndex, _ kind: OwnerKind, _ id: String) -> UserIndex {
        if let known = knownOwner(group, kind, id) { return known }
        let count =
            (engine.stored(group)?.ownerCount ?? 0) + (batch.newOwners[group] ?? 0)
            + (local.newOwners[group] ?? 0)
        let owner = UserIndex(UInt32(count))
        let key = PlanOverlay.Key(group: group, value: PlanOverlay.OwnerID(kind: kind, id: id))
        local.owners[key] = owner
        local.newOwners[group, default: 0] += 1
        undo?.steps.append(.owner(key))
        effects.append(.ownerNamed(group, owner, kind, id: id))
        return owner
    }

    /// The index of an event type; compared with case folded.
    mutating func eventType(_ group: GroupIndex, _ name: String) throws(Stop) -> EventTypeIndex {
        if let lastType, lastType.name == name { return lastType.type }
        let type = try foldedType(group, name)
        lastType = (name, type)
        return type
    }

    private mutating func foldedType(
        _ group: GroupIndex,
        _ name: String
    ) throws(Stop) -> EventTypeIndex {
        let folded = name.lowercased()
        let store = engine.stored(group)
        if let known = store?.eventTypes.index(of: folded) {
            return EventTypeIndex(UInt16(known))
        }
        let key = PlanOverlay.Key(group: group, value: folded)
        if let known = local.eventTypes[key] ?? batch.eventTypes[key] { return known }
        let count =
            (store?.eventTypes.count ?? 0) + (batch.newTypes[group] ?? 0)
            + (local.newTypes[group] ?? 0)
        guard count < Limits.eventTypesMax else {
            throw .refused(
                Refusal(
                    .limitExceeded,
                    "event type '\(name)' would be one more than the \(Limits.eventTypesMax) "
                        + "that a dataset group may have"
                )
            )
        }
        let type = EventTypeIndex(UInt16(count))
        local.eventTypes[key] = type
        local.newTypes[group, default: 0] += 1
        undo?.steps.append(.eventType(key))
        effects.append(.eventTypeNamed(group, type, name: folded))
        return type
    }
}

extension DatasetEngine {
    /// Decides what `mutation` does at `position`; nothing is visible before `apply`.
    ///
    /// - Throws: The refusal that the caller gets; nothing was planned then.
    package func plan(
        _ mutation: Mutation,
        at position: LogPosition,
        now: Timestamp,
        batch: PlannedBatch,
        facts: any FactReader
    ) throws(Refusal) -> Plan {
        var planner = Planner(
            engine: self,
            position: position,
            now: now,
            facts: facts,
            planned: batch
        )
        let mark = batch.events.mark
        do throws(Planner.Stop) {
            let outcome = try planner.plan(mutation)
            batch.overlay.merge(planner.local, planner.effects)
            return .ready(Effects(position: position, effects: planner.effects), outcome)
        } catch {
            batch.events.rollback(to: mark)
            switch error {
            case .refused(let refusal): throw refusal
            case .needsCommit: return .needsCommit
            }
        }
    }
}

extension Refusal {
    package static func changed(_ name: ResourceName) -> Refusal {
        Refusal(.etagMismatch, "'\(name)' was changed by somebody else", resource: name.text)
    }

    package static func missing(_ name: ResourceName, _ noun: String) -> Refusal {
        Refusal(.resourceNotFound, "there is no \(noun) '\(name)'", resource: name.text)
    }
}
