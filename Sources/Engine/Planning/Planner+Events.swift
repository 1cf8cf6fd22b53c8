package import Primitives
import Resources

extension Planner {
    mutating func putEvents(
        _ groupName: ResourceName,
        _ tracker: ResourceName?,
        _ events: EventBatch
    ) throws(Stop) -> MutationOutcome {
        let group = try group(groupName)
        if let tracker, resource(tracker) == nil {
            throw .refused(.missing(tracker, "event tracker"))
        }
        var schema = try schema(groupName, .interactions)
        let (owner, session) = try owner(group.index, events)
        var outcome = MutationOutcome(position: position)
        var violations: [Refusal.FieldViolation] = []
        for (ordinal, event) in events.events.enumerated() {
            var record = event
            record.properties = try columns(event.properties, &schema, "event_list[\(ordinal)]")
            let stored = StoredEvent(
                position: position,
                ordinal: UInt16(ordinal),
                item: event.itemID.isEmpty ? nil : item(group.index, event.itemID),
                type: try eventType(group.index, event.eventType),
                record: record,
                session: session
            )
            switch try duplicate(of: stored, group.index, owner) {
            case .same(let known):
                outcome.duplicateCount += 1
                outcome.eventIDs.append(known)
            case .other:
                violations.append(
                    .init(
                        field: "event_list[\(ordinal)].event_id",
                        description: "'\(event.eventID)' is stored with another body"
                    )
                )
            case nil:
                add(stored, group.index, owner)
                outcome.appliedCount += 1
                outcome.eventIDs.append(stored.identifier(group.index, owner))
            }
        }
        if let first = violations.first {
            throw .refused(
                Refusal(
                    .resourceAlreadyExists,
                    "\(first.field): \(first.description)",
                    violations: violations
                )
            )
        }
        return outcome
    }

    private mutating func add(_ event: StoredEvent, _ group: GroupIndex, _ owner: UserIndex) {
        let moment = PlanOverlay.Moment(owner: owner, time: event.record.occurredAt)
        local.events[.init(group: group, value: moment), default: []].append(event)
        local.ownersWithEvents.insert(.init(group: group, value: owner))
        if !event.record.eventID.isEmpty {
            local.eventIDs[.init(group: group, value: event.record.eventID)] = event
        }
        effects.append(.eventStored(group, owner: owner, event))
    }

    // MARK: Whose event it is

    /// The owner of a batch's events, and its session; joins the two when both are given first.
    private mutating func owner(
        _ group: GroupIndex,
        _ events: EventBatch
    ) throws(Stop) -> (owner: UserIndex, session: UserIndex?) {
        let session =
            events.sessionID.isEmpty ? nil : owner(group, .session, events.sessionID)
        guard !events.userID.isEmpty else {
            guard let session else {
                throw .refused(.invalid("session_id", "is required"))
            }
            return (joinedUser(group, session) ?? session, session)
        }
        let user = owner(group, .user, events.userID)
        guard let session else { return (user, nil) }
        let joined = joinedUser(group, session)
        if joined != user {
            if joined == nil {
                try joinHistory(group, session, user)
            } else {
                effects.append(.sessionJoined(group, session: session, user: user))
            }
            local.joins[.init(group: group, value: session)] = user
        }
        return (user, session)
    }

    private func joinedUser(_ group: GroupIndex, _ session: UserIndex) -> UserIndex? {
        let key = PlanOverlay.Key(group: group, value: session)
        if let known = local.joins[key] ?? batch.joins[key] { return known }
        guard let store = engine.group(group), session.rawValue < UInt32(store.ownerCount) else {
            return nil
        }
        return store.joinedUser(of: session)
    }

    /// The first join: the session's events become the user's.
    private mutating func joinHistory(
        _ group: GroupIndex,
        _ session: UserIndex,
        _ user: UserIndex
    ) throws(Stop) {
        for owner in [session, user]
        where batch.ownersWithEvents.contains(.init(group: group, value: owner)) {
            throw .needsCommit
        }
        let known = UInt32(engine.group(group)?.ownerCount ?? 0)
        let ofSession = session.rawValue < known ? try allEvents(group, session) : []
        guard !ofSession.isEmpty else {
            effects.append(.sessionJoined(group, session: session, user: user))
            return
        }
        let ofUser = user.rawValue < known ? try allEvents(group, user) : []
        let merged = (ofUser + ofSession).sorted { left, right in
            (left.record.occurredAt, left.position, left.ordinal)
                < (right.record.occurredAt, right.position, right.ordinal)
        }
        effects.append(
            .historyJoined(group, session: session, user: user, merged: merged)
        )
    }

    private func allEvents(
        _ group: GroupIndex,
        _ owner: UserIndex
    ) throws(Stop) -> [StoredEvent] {
        do throws(Refusal) {
            return try facts.events(group, owner: owner)
        } catch {
            throw .refused(error)
        }
    }

    // MARK: Duplicates

    private enum Duplicate {
        /// The same id and body, or equal in every field; with the id that the first got.
        case same(String)
        /// The same id with another body.
        case other
    }

    private func duplicate(
        of event: StoredEvent,
        _ group: GroupIndex,
        _ owner: UserIndex
    ) throws(Stop) -> Duplicate? {
        do throws(Refusal) {
            let id = event.record.eventID
            if !id.isEmpty {
                let key = PlanOverlay.Key(group: group, value: id)
                if let known = local.eventIDs[key] ?? batch.eventIDs[key] {
                    return known.hasSameBody(as: event) ? .same(id) : .other
                }
                guard let known = try facts.event(group, withID: id) else { return nil }
                let isSame = known.owner == owner && known.event.hasSameBody(as: event)
                return isSame ? .same(id) : .other
            }
            let moment = PlanOverlay.Moment(owner: owner, time: event.record.occurredAt)
            let key = PlanOverlay.Key(group: group, value: moment)
            for known in (batch.events[key] ?? []) + (local.events[key] ?? [])
            where known.hasSameBody(as: event) {
                return .same(known.identifier(group, owner))
            }
            guard mayBeStored(event, group, owner) else { return nil }
            for known in try facts.events(group, owner: owner, at: event.record.occurredAt)
            where known.hasSameBody(as: event) {
                return .same(known.identifier(group, owner))
            }
            return nil
        } catch {
            throw .refused(error)
        }
    }

    /// Whether the store must be asked: the history in memory knows of most times that they are
    /// new.
    private func mayBeStored(
        _ event: StoredEvent,
        _ group: GroupIndex,
        _ owner: UserIndex
    ) -> Bool {
        guard let store = engine.group(group), owner.rawValue < UInt32(store.ownerCount) else {
            return false
        }
        return event.item == nil || store.mayHaveEvent(owner, at: event.record.occurredAt)
    }
}

extension StoredEvent {
    /// Whether both say the same, whenever they came.
    ///
    /// An id given with one only tells nothing.
    func hasSameBody(as other: StoredEvent) -> Bool {
        var mine = record
        var others = other.record
        mine.eventID = ""
        others.eventID = ""
        // Columns that were added since are null.
        while mine.properties.values.last == .null { mine.properties.values.removeLast() }
        while others.properties.values.last == .null { others.properties.values.removeLast() }
        return item == other.item && type == other.type && mine == others
    }

    /// The id given by the client, or one that spells the key of the event's row.
    package func identifier(_ group: GroupIndex, _ owner: UserIndex) -> String {
        guard record.eventID.isEmpty else { return record.eventID }
        let parts = [
            UInt64(group.rawValue), UInt64(owner.rawValue),
            UInt64(clamping: record.occurredAt.milliseconds), position.rawValue, UInt64(ordinal),
        ]
        return "e-" + parts.map { String($0, radix: 36) }.joined(separator: "-")
    }
}
