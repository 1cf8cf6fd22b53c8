import Primitives
import Resources

/// Deletions of single records.
///
/// One stands alone in its write batch as far as its group goes: what it takes away depends on
/// everything before it, and what comes behind depends on it.
extension Planner {
    mutating func delete(
        _ deletion: Deletion,
        _ groupName: ResourceName
    ) throws(Stop) -> MutationOutcome {
        let group = try group(groupName)
        guard batch.planned.isEmpty else { throw .needsCommit }
        local.deletedGroups.insert(group.index)
        var outcome = MutationOutcome(position: position)
        switch deletion {
        case .owners(let kind, let ids, let isPartial):
            try erase(ids, kind, isPartial, group.index, &outcome)
        case .item(let id):
            guard let item = engine.stored(group.index)?.items.index(of: id) else {
                throw .refused(Self.unknown("item", id))
            }
            try erase(ItemIndex(item), group.index)
            record(.item, id, group.index)
            outcome.appliedCount = 1
        case .event(let id):
            try eraseEvent(id, group.index)
            record(.event, id, group.index)
            outcome.appliedCount = 1
        }
        return outcome
    }

    private static func unknown(_ noun: String, _ id: String) -> Refusal {
        Refusal(.resourceNotFound, "there is no \(noun) '\(id)'", resource: id)
    }

    private mutating func record(_ kind: ErasureRecord.Kind, _ id: String, _ group: GroupIndex) {
        let record = ErasureRecord(
            kind: kind,
            high: engine.hash.hash(id),
            low: engine.hash.hash("2" + id),
            at: now,
            position: position,
            ordinal: UInt32(effects.count)
        )
        effects.append(.erased(.recorded(group, record)))
    }

    // MARK: Owners

    /// Owners with the sessions that each joined last.
    private mutating func erase(
        _ ids: [String],
        _ kind: OwnerKind,
        _ isPartial: Bool,
        _ group: GroupIndex,
        _ outcome: inout MutationOutcome
    ) throws(Stop) {
        let owners = ids.map { knownOwner(group, kind, $0) }
        let sessions = engine.stored(group)?.sessions(of: Set(owners.compactMap(\.self))) ?? [:]
        var erased: Set<UserIndex> = []
        for (id, owner) in zip(ids, owners) {
            guard let owner else {
                outcome.duplicateCount += 1
                if isPartial { continue }
                throw .refused(Self.unknown(kind == .user ? "user" : "session", id))
            }
            if erased.contains(owner) {
                outcome.duplicateCount += 1
                continue
            }
            for index in [owner] + (sessions[owner] ?? []) where erased.insert(index).inserted {
                let events = try history(index, group)
                effects.append(.erased(.owner(group, index, engine.counted(events, group))))
            }
            record(kind == .user ? .user : .session, id, group)
            outcome.appliedCount += 1
        }
        if outcome.appliedCount > 0 { forgetMessages(group) }
    }

    private func history(_ owner: UserIndex, _ group: GroupIndex) throws(Stop) -> [StoredEvent] {
        do throws(Refusal) {
            return try facts.events(group, owner: owner)
        } catch {
            throw .refused(error)
        }
    }

    /// Answers that are kept may quote what a rejected record said; they go on without.
    private mutating func forgetMessages(_ group: GroupIndex) {
        for (key, producer) in engine.writer.producers.producers where key.group == group {
            for answer in producer.answers
            where answer.rejected.contains(where: { $0.refusal.message != Self.forgotten }) {
                var answer = answer
                for index in answer.rejected.indices {
                    answer.rejected[index].refusal.message = Self.forgotten
                }
                effects.append(.batchRemembered(key, answer))
            }
        }
    }

    private static let forgotten = "was not applied"

    // MARK: Items and events

    private mutating func erase(_ item: ItemIndex, _ group: GroupIndex) throws(Stop) {
        guard let store = engine.stored(group) else { return }
        let bulk = store.bulk[.items]
        let generations = [bulk?.active, bulk?.staging].compactMap(\.self).filter { $0 != 0 }
        effects.append(
            .erased(
                .item(
                    group,
                    item,
                    through: position,
                    after: store.itemDeletions[item] ?? .zero,
                    generations: generations
                )
            )
        )
        // Of these a part is on disk only; what is gone makes room for it.
        for owner in store.truncatedOwners() {
            let events = try visible(owner, group, store)
            guard events.contains(where: { $0.item == item }) else { continue }
            let rest = events.filter { $0.item != item }
            effects.append(.erased(.historyReread(group, owner, rest)))
        }
    }

    private mutating func eraseEvent(_ id: String, _ group: GroupIndex) throws(Stop) {
        let found: (owner: UserIndex, event: StoredEvent)?
        do throws(Refusal) {
            found = try facts.event(group, withID: id)
        } catch {
            throw .refused(error)
        }
        guard let found, engine.isVisible(found.event, group), let store = engine.stored(group)
        else { throw .refused(Self.unknown("event", id)) }
        effects.append(.erased(.event(group, owner: found.owner, found.event)))
        guard store.truncatedOwners().contains(found.owner) else { return }
        let rest = try visible(found.owner, group, store).filter { event in
            event.position != found.event.position || event.ordinal != found.event.ordinal
        }
        effects.append(.erased(.historyReread(group, found.owner, rest)))
    }

    /// What of an owner's events readers see, oldest first.
    private func visible(
        _ owner: UserIndex,
        _ group: GroupIndex,
        _ store: GroupStore
    ) throws(Stop) -> [StoredEvent] {
        try history(owner, group).filter { engine.isVisible($0, group) }
    }

    // MARK: What comes again

    /// Whether an event was deleted, and nobody knows whom it belonged to: it brings nobody back.
    func isErased(
        _ event: EventRecord,
        userID: String,
        sessionID: String,
        _ group: GroupIndex
    ) throws(Stop) -> Bool {
        guard !event.eventID.isEmpty else { return false }
        let isKnown =
            userID.isEmpty
            ? knownOwner(group, .session, sessionID) != nil
            : knownOwner(group, .user, userID) != nil
        if isKnown { return false }
        do throws(Refusal) {
            return try facts.isErased(group, eventID: event.eventID)
        } catch {
            throw .refused(error)
        }
    }
}
