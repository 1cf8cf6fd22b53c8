import Primitives
import Resources

/// Merges of two users.
///
/// One stands alone in its write batch as far as its group goes, as deletions do.
extension Planner {
    mutating func merge(
        _ merged: String,
        into kept: String,
        _ groupName: ResourceName
    ) throws(Stop) -> MutationOutcome {
        let group = try group(groupName)
        guard batch.planned.isEmpty else { throw .needsCommit }
        local.deletedGroups.insert(group.index)
        var outcome = MutationOutcome(position: position)
        guard let store = engine.stored(group.index), let user = store.unmergedUser(merged) else {
            throw .refused(
                Refusal(.resourceNotFound, "there is no user '\(merged)'", resource: merged)
            )
        }
        let target = owner(group.index, .user, kept)
        let now = store.owner(merged, .user) ?? user
        if now == target {
            // Done before, or the other way round.
            outcome.duplicateCount = 1
            return outcome
        }
        guard now == user else {
            throw .refused(
                Refusal(
                    .resourceInUse,
                    "the user '\(merged)' was merged into another one than '\(kept)' already",
                    resource: merged
                )
            )
        }
        outcome.appliedCount = try moveEvents(of: user, to: target, group.index)
        mergeRecords(of: user, to: target, keptID: store.keptID(kept, of: target), group.index)
        let followers = store.followers(of: user)
        for session in followers.sessions {
            effects.append(.sessionJoined(group.index, session: session, user: target))
        }
        for one in followers.users + [(user, merged)] {
            effects.append(
                .merged(.named(group.index, user: one.index, id: one.id, into: target))
            )
        }
        return outcome
    }

    /// - Returns: How many there are.
    private mutating func moveEvents(
        of user: UserIndex,
        to target: UserIndex,
        _ group: GroupIndex
    ) throws(Stop) -> Int {
        let moved: [StoredEvent]
        let kept: [StoredEvent]
        do throws(Refusal) {
            moved = try facts.events(group, owner: user).map { event in
                var event = event
                // A session's event goes on to be named by its session.
                if !event.isMoved && event.origin == nil { event.origin = user }
                return event
            }
            kept = try facts.events(group, owner: target)
        } catch {
            throw .refused(error)
        }
        guard !moved.isEmpty else { return 0 }
        effects.append(
            .merged(.histories(group, from: user, into: target, moved: moved, kept: kept))
        )
        return moved.count { engine.isVisible($0, group) }
    }

    /// What the user who stays says counts; the other one fills what it leaves open.
    private mutating func mergeRecords(
        of user: UserIndex,
        to target: UserIndex,
        keptID: String,
        _ group: GroupIndex
    ) {
        guard let store = engine.stored(group), let given = store.record(.users, user.rawValue)
        else { return }
        var record =
            store.record(.users, target.rawValue)
            ?? EntityRecord(id: keptID, properties: RecordProperties())
        for (column, value) in given.properties.values.enumerated() {
            if column == record.properties.values.count { record.properties.values.append(value) }
            if record.properties.values[column] == .null {
                record.properties.values[column] = value
            }
        }
        effects.append(.userStored(group, target, record))
    }
}
