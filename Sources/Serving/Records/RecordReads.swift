package import Engine
package import Journal
package import Primitives
package import Resources

/// Whose events, or on what.
package enum InteractionsOf: Hashable, Sendable {
    case user(String)
    case session(String)
    case item(String)
}

/// An event as a reader gets it: the ids of whom it belongs to, and everything that was put.
package struct ReadInteraction: Sendable {
    package var userID: String
    package var sessionID: String
    package var eventID: String
    package var record: EventRecord
    package var place: EventPlace
}

/// Answers questions about single records of one group.
///
/// What is read from memory never waits; pages come from disk, so a reactor must not ask for them.
package struct RecordReads: Sendable {
    private let engine: DatasetEngine
    private let reader: RecordReader

    package init(journal: Journal) {
        engine = journal.engine
        reader = journal.records
    }

    /// Every write at or below it is seen by the questions that follow.
    package var position: LogPosition { engine.position }

    package func group(_ name: ResourceName) throws(Refusal) -> GroupStore {
        guard let group = engine.group(named: name) else { throw .missing(name, "dataset group") }
        return group
    }

    /// The schema of a kind of the group's records, as JSON texts need it.
    package func properties(of group: ResourceName, _ kind: DatasetKind) -> PropertyText {
        PropertyText(engine.schema(of: group, kind))
    }

    // MARK: From memory

    /// - Throws: `resourceNotFound` when no record of this id was put.
    package func user(_ id: String, of group: GroupStore) throws(Refusal) -> EntityRecord {
        guard let record = group.userRecord(withID: id) else {
            let isKnown = group.owner(withID: id, .user) != nil
            throw Self.missing(id, "user", isKnown: isKnown)
        }
        return record
    }

    /// - Throws: `resourceNotFound` when no record of this id was put.
    package func item(_ id: String, of group: GroupStore) throws(Refusal) -> EntityRecord {
        let index = id.withRawSpan { group.item(withID: $0) }
        let root = group.currentRoot
        guard let index, Int(index.rawValue) < root.itemCount,
            let record = root.record(of: index)
        else { throw Self.missing(id, "item", isKnown: index != nil) }
        return record
    }

    private static func missing(_ id: String, _ noun: String, isKnown: Bool) -> Refusal {
        Refusal(
            .resourceNotFound,
            "no \(noun) '\(id)' was put" + (isKnown ? "; it is known from events only" : ""),
            resource: id
        )
    }

    // MARK: From disk

    /// One record more than `count` says that there are more.
    package func entities(
        _ kind: DatasetKind,
        of group: GroupStore,
        named name: ResourceName,
        after last: UInt32?,
        count: Int
    ) throws(Refusal) -> [(index: UInt32, record: EntityRecord)] {
        try reader.entities(
            group.index,
            kind,
            active: active(kind, name),
            after: last,
            count: count + 1
        )
    }

    /// The bulk generation that readers see.
    private func active(_ kind: DatasetKind, _ group: ResourceName) -> UInt32 {
        let name = group.child("datasets", kind.collectionLabel)
        guard case .dataset(let dataset) = engine.resources[name] else { return 0 }
        return dataset.bulk.active
    }

    /// Events, newest first, from below `place` on; one more than `count` says that there are more.
    package func interactions(
        of whom: InteractionsOf,
        in group: GroupStore,
        named name: ResourceName,
        before place: EventPlace?,
        count: Int
    ) throws(Refusal) -> [ReadInteraction] {
        let view = View(
            group: group,
            active: active(.interactions, name),
            deletions: group.currentRoot.itemDeletions
        )
        let events = try events(of: whom, in: view, before: place, count: count + 1)
        var names: [UserIndex: (kind: OwnerKind, id: String)] = [:]
        func whose(_ owner: UserIndex) throws(Refusal) -> (kind: OwnerKind, id: String)? {
            if let known = names[owner] { return known }
            names[owner] = try reader.name(group.index, owner)
            return names[owner]
        }
        var found: [ReadInteraction] = []
        for one in events {
            let owner = try whose(one.owner)
            let session: String? =
                if let index = one.event.session { try whose(index)?.id } else { nil }
            var record = one.event.record
            record.eventID = one.event.identifier(group.index, one.owner)
            found.append(
                ReadInteraction(
                    userID: owner?.kind == .user ? owner?.id ?? "" : "",
                    sessionID: session ?? "",
                    eventID: record.eventID,
                    record: record,
                    place: one.place
                )
            )
        }
        return found
    }

    /// The events of a group that count.
    private struct View {
        let group: GroupStore
        /// The bulk generation that readers see.
        let active: UInt32
        let deletions: [ItemIndex: LogPosition]

        func sees(_ event: StoredEvent) -> Bool {
            if let item = event.item, let last = deletions[item], event.position <= last {
                return false
            }
            return event.generation == 0 || event.generation == active
        }
    }

    private func events(
        of whom: InteractionsOf,
        in view: View,
        before place: EventPlace?,
        count: Int
    ) throws(Refusal) -> [ReadEvent] {
        switch whom {
        case .item(let id):
            return try events(onItem: id, in: view, before: place, count: count)
        case .user(let id):
            if let user = view.group.owner(withID: id, .user) {
                return try events(of: user, in: view, before: place, count: count)
            }
            return try events(of: .session(id), in: view, before: place, count: count)
        case .session(let id):
            guard let session = view.group.owner(withID: id, .session) else { return [] }
            guard let user = view.group.joinedUser(ofSession: id) else {
                return try events(of: session, in: view, before: place, count: count)
            }
            return try events(of: user, in: view, before: place, count: count) {
                $0.session == session
            }
        }
    }

    private func events(
        of owner: UserIndex,
        in view: View,
        before place: EventPlace?,
        count: Int,
        where isWanted: (StoredEvent) -> Bool = { _ in true }
    ) throws(Refusal) -> [ReadEvent] {
        // A place in another history: the owner's events have moved since.
        let place = place.map { place in
            var place = place
            place.owner = owner
            return place
        }
        return try reader.events(
            view.group.index,
            of: owner,
            before: place,
            count: count
        ) { view.sees($0) && isWanted($0) }
    }

    /// Finds in memory where the events are, and reads those of the page.
    private func events(
        onItem id: String,
        in view: View,
        before place: EventPlace?,
        count: Int
    ) throws(Refusal) -> [ReadEvent] {
        guard let item = id.withRawSpan({ view.group.item(withID: $0) }) else { return [] }
        let last = place.map { InteractionMoment(time: $0.time, owner: $0.owner) }
        // Those at `last` itself may have been on the page before.
        let moments = view.group.newestMoments(on: item, atOrBefore: last, count: count + 1)
        var found: [ReadEvent] = []
        for moment in moments.moments where found.count < count {
            found += try reader.events(view.group.index, at: moment) {
                $0.item == item && view.sees($0)
            }
            .filter { place.map($0.place.isBelow) ?? true }
        }
        for owner in moments.truncatedOwners {
            found += try reader.events(view.group.index, of: owner, before: nil, count: .max) {
                event in
                event.item == item && view.sees(event)
            }.filter { one in
                (place.map(one.place.isBelow) ?? true)
                    && !found.contains { $0.place == one.place }
            }
        }
        return Array(found.sorted { $1.place.isBelow($0.place) }.prefix(count))
    }
}

extension EventPlace {
    /// Whether it comes after `other` in a list that begins with the newest.
    fileprivate func isBelow(_ other: EventPlace) -> Bool {
        (time.milliseconds, owner.rawValue, position.rawValue, ordinal)
            < (
                other.time.milliseconds, other.owner.rawValue, other.position.rawValue,
                other.ordinal
            )
    }
}
