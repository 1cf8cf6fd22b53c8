package import Primitives
import Resources

extension Planner {
    mutating func putEvents(
        _ groupName: ResourceName,
        _ tracker: ResourceName?,
        _ events: EventBatch
    ) throws(Stop) -> MutationOutcome {
        let group = try group(groupName)
        try check(tracker)
        try checkDataset(groupName, .interactions)
        var schema: Schema?
        var isGone = true
        for event in events.events where isGone {
            isGone = try isErased(
                event,
                userID: events.userID,
                sessionID: events.sessionID,
                group.index
            )
        }
        if isGone && !events.events.isEmpty {
            return MutationOutcome(
                position: position,
                duplicateCount: events.events.count,
                eventIDs: events.events.map(\.eventID)
            )
        }
        let (owner, session) = try owner(
            group.index,
            userID: events.userID,
            sessionID: events.sessionID
        )
        var outcome = MutationOutcome(position: position)
        var violations: [Refusal.FieldViolation] = []
        outcome.eventIDs.reserveCapacity(events.events.count)
        effects.reserveCapacity(effects.count + events.events.count)
        for (ordinal, event) in events.events.enumerated() {
            var record = event
            if !event.properties.added.isEmpty {
                var grown: Schema
                if let schema {
                    grown = schema
                } else {
                    grown = try self.schema(groupName, .interactions)
                }
                record.properties = try columns(
                    event.properties,
                    &grown,
                    "event_list[\(ordinal)]"
                )
                schema = grown
            }
            let fate = try putEvent(record, ordinal, group.index, owner, session)
            if let id = outcome.count(fate) {
                outcome.eventIDs.append(id)
            } else {
                violations.append(
                    Self.conflict(event.eventID, "event_list[\(ordinal)].event_id")
                )
            }
        }
        try Self.refuse(violations)
        if outcome.appliedCount > 0 {
            local.ownersWithEvents.insert(.init(group: group.index, value: owner))
        }
        return outcome
    }

    func check(_ tracker: ResourceName?) throws(Stop) {
        if let tracker, resource(tracker) == nil {
            throw .refused(.missing(tracker, "event tracker"))
        }
    }

    static func conflict(_ eventID: String, _ field: String) -> Refusal.FieldViolation {
        .init(field: field, description: "'\(eventID)' is stored with another body")
    }

    /// Refuses a call some of whose ids are stored with another body.
    static func refuse(_ conflicts: [Refusal.FieldViolation]) throws(Stop) {
        guard let first = conflicts.first else { return }
        throw .refused(
            Refusal(
                .resourceAlreadyExists,
                "\(first.field): \(first.description)",
                violations: conflicts
            )
        )
    }

    /// What became of one event.
    enum EventFate {
        /// With its id, given or generated.
        case applied(String)
        /// With the id that the first got.
        case duplicate(String)
        /// Its id is stored with another body.
        case conflict
    }

    /// Plans one event whose properties are by column.
    mutating func putEvent(
        _ record: EventRecord,
        _ ordinal: Int,
        _ group: GroupIndex,
        _ owner: UserIndex,
        _ session: UserIndex?
    ) throws(Stop) -> EventFate {
        let stored = StoredEvent(
            position: position,
            ordinal: UInt16(ordinal),
            item: record.itemID.isEmpty ? nil : item(group, record.itemID),
            type: try eventType(group, record.eventType),
            record: record,
            session: session
        )
        if let known = try known(stored, group, owner) { return known }
        try add(stored, group, owner)
        return .applied(stored.identifier(group, owner))
    }

    private mutating func add(
        _ event: StoredEvent,
        _ group: GroupIndex,
        _ owner: UserIndex
    ) throws(Stop) {
        try grow(group, by: GroupSize(interactions: 1, bytes: event.record.dataByteCount))
        effects.append(.eventStored(group, owner: owner, event))
        let place = lastPlace
        planned.events.add(group, owner, at: event.record.occurredAt, place)
        if !event.record.eventID.isEmpty {
            local.eventIDs[.init(group: group, value: event.record.eventID)] = place
        }
    }

    /// The place of the newest effect.
    var lastPlace: PlanOverlay.EventPlace {
        .init(mutation: UInt32(batch.planned.count), effect: UInt32(effects.count - 1))
    }

    /// A planned event and its owner.
    private func event(_ place: PlanOverlay.EventPlace) -> (owner: UserIndex, event: StoredEvent) {
        guard case .eventStored(_, let owner, let event) = effect(at: place) else {
            preconditionFailure("an event's place holds another effect")
        }
        return (owner, event)
    }

    /// A planned effect.
    func effect(at place: PlanOverlay.EventPlace) -> Effect {
        let index = Int(place.mutation)
        return index == batch.planned.count
            ? effects[Int(place.effect)] : batch.planned[index][Int(place.effect)]
    }

    // MARK: Whose event it is

    /// The owner of a batch's events, and its session; joins the two when both are given first.
    mutating func owner(
        _ group: GroupIndex,
        userID: String,
        sessionID: String
    ) throws(Stop) -> (owner: UserIndex, session: UserIndex?) {
        let session = sessionID.isEmpty ? nil : owner(group, .session, sessionID)
        guard !userID.isEmpty else {
            guard let session else {
                throw .refused(.invalid("session_id", "is required"))
            }
            return (joinedUser(group, session) ?? session, session)
        }
        let user = owner(group, .user, userID)
        guard let session else { return (user, nil) }
        let joined = joinedUser(group, session)
        if joined != user {
            if joined == nil {
                try joinHistory(group, session, user)
            } else {
                effects.append(.sessionJoined(group, session: session, user: user))
            }
            let key = PlanOverlay.Key(group: group, value: session)
            undo?.steps.append(.join(key, previous: local.joins[key]))
            local.joins[key] = user
        }
        return (user, session)
    }

    private func joinedUser(_ group: GroupIndex, _ session: UserIndex) -> UserIndex? {
        let key = PlanOverlay.Key(group: group, value: session)
        if let known = local.joins[key] ?? batch.joins[key] { return known }
        guard let store = engine.stored(group), session.rawValue < UInt32(store.ownerCount) else {
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
        for owner in [session, user] {
            let key = PlanOverlay.Key(group: group, value: owner)
            // Reading the histories again is simpler than joining what is joined already.
            if batch.ownersWithEvents.contains(key) || batch.joinedHistories[key] != nil {
                throw .needsCommit
            }
        }
        let ofSession = try history(group, session)
        guard !ofSession.isEmpty else {
            effects.append(.sessionJoined(group, session: session, user: user))
            return
        }
        let moved = ofSession.map { event in
            var event = event
            event.isMoved = true
            return event
        }
        let merged = (try history(group, user) + moved).sorted { left, right in
            (left.record.occurredAt, left.position, left.ordinal)
                < (right.record.occurredAt, right.position, right.ordinal)
        }
        let userKey = PlanOverlay.Key(group: group, value: user)
        let sessionKey = PlanOverlay.Key(group: group, value: session)
        undo?.steps.append(
            .history(
                user: userKey,
                session: sessionKey,
                places: local.placesByOwner[userKey],
                joined: local.joinedHistories[userKey],
                owner: local.movedOwners[sessionKey]
            )
        )
        local.placesByOwner[userKey] = nil
        local.joinedHistories[userKey] = merged
        local.movedOwners[sessionKey] = user
        effects.append(
            .historyJoined(group, session: session, user: user, merged: merged)
        )
    }

    /// All events of an owner, with those that this mutation planned so far.
    private func history(
        _ group: GroupIndex,
        _ owner: UserIndex
    ) throws(Stop) -> [StoredEvent] {
        let key = PlanOverlay.Key(group: group, value: owner)
        let planned = (local.placesByOwner[key] ?? []).map { event($0).event }
        if let joined = local.joinedHistories[key] { return joined + planned }
        guard owner.rawValue < UInt32(engine.stored(group)?.ownerCount ?? 0) else {
            return planned
        }
        do throws(Refusal) {
            return try facts.events(group, owner: owner) + planned
        } catch {
            throw .refused(error)
        }
    }

    // MARK: Duplicates

    /// A duplicate (the same id and body, or equal in every field) or a conflict; `nil` for an
    /// event that is new.
    private func known(
        _ event: StoredEvent,
        _ group: GroupIndex,
        _ owner: UserIndex
    ) throws(Stop) -> EventFate? {
        do throws(Refusal) {
            let id = event.record.eventID
            if !id.isEmpty {
                let key = PlanOverlay.Key(group: group, value: id)
                let planned = (local.eventIDs[key] ?? batch.eventIDs[key]).map { self.event($0) }
                let stored = planned == nil ? try facts.event(group, withID: id) : planned
                guard let known = stored, engine.isVisible(known.event, group) else {
                    return try facts.isErased(group, eventID: id) ? .duplicate(id) : nil
                }
                let ownerKey = PlanOverlay.Key(group: group, value: known.owner)
                let ownerNow =
                    local.movedOwners[ownerKey] ?? batch.movedOwners[ownerKey] ?? known.owner
                let isSame = ownerNow == owner && known.event.hasSameBody(as: event)
                return isSame ? .duplicate(id) : .conflict
            }
            // Of several that are equal the oldest tells its id.
            for known in try storedEvents(group, owner, at: event)
            where known.hasSameBody(as: event) && engine.isVisible(known, group) {
                return .duplicate(known.identifier(group, owner))
            }
            var oldest: StoredEvent?
            planned.events.places(group, owner, at: event.record.occurredAt) { place in
                let known = self.event(place).event
                if known.hasSameBody(as: event) { oldest = known }
            }
            return oldest.map { .duplicate($0.identifier(group, owner)) }
        } catch {
            throw .refused(error)
        }
    }

    /// What an owner's history has of the time of `event`, as far as it may matter.
    private func storedEvents(
        _ group: GroupIndex,
        _ owner: UserIndex,
        at event: StoredEvent
    ) throws(Refusal) -> [StoredEvent] {
        let time = event.record.occurredAt
        let key = PlanOverlay.Key(group: group, value: owner)
        if let joined = local.joinedHistories[key] ?? batch.joinedHistories[key] {
            return joined.filter { $0.record.occurredAt == time }
        }
        guard mayBeStored(event, group, owner) else { return [] }
        return try facts.events(group, owner: owner, at: time)
    }

    /// Whether the store must be asked: the history in memory knows of most events that they are
    /// new.
    private func mayBeStored(
        _ event: StoredEvent,
        _ group: GroupIndex,
        _ owner: UserIndex
    ) -> Bool {
        guard let store = engine.stored(group), owner.rawValue < UInt32(store.ownerCount) else {
            return false
        }
        guard let item = event.item else { return true }
        let interaction = Interaction(
            item: item,
            type: event.type,
            occurredAt: event.record.occurredAt
        )
        return store.mayHaveEvent(owner, interaction)
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

    /// The id given by the client, or one that spells the key that the event's row had first.
    ///
    /// So an id once told stays the same when the event moves to the user who joins its session.
    package func identifier(_ group: GroupIndex, _ owner: UserIndex) -> String {
        guard record.eventID.isEmpty else { return record.eventID }
        let parts: InlineArray<5, UInt64> = [
            UInt64(group.rawValue), UInt64((isMoved ? session ?? owner : origin ?? owner).rawValue),
            UInt64(clamping: record.occurredAt.milliseconds), position.rawValue, UInt64(ordinal),
        ]
        // Five numbers of at most 13 digits, and what parts them.
        return unsafe String(unsafeUninitializedCapacity: 72) { text in
            var end = 0
            func append(_ byte: UInt8) {
                unsafe text.initializeElement(at: end, to: byte)
                end += 1
            }
            append(UInt8(ascii: "e"))
            for index in parts.indices {
                append(UInt8(ascii: "-"))
                let start = end
                var rest = parts[index]
                repeat {
                    let digit = UInt8(rest % 36)
                    append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
                    rest /= 36
                } while rest > 0
                unsafe text[start..<end].reverse()
            }
            return end
        }
    }
}
