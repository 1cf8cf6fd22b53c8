import Engine
import Primitives
import Resources

/// Feeds the stored rows to an engine through the same `apply` that the live path uses.
struct Recovery {
    private static let effectsPerApply = 8_192

    let store: Store
    let engine: DatasetEngine
    /// What the store's `meta` says; everything stored is at or below it.
    let position: LogPosition

    /// The control plane; enough to know which models there are.
    func applyResources() throws(JournalError) {
        var effects: [Effect] = []
        try scan(.resources, into: &effects) { (_, reader) throws(RowReader.Damaged) in
            let resource = try reader.resource()
            return .resourceStored(resource.resourceName, resource)
        }
        // Parents first: a group's store must be there before anything of it is.
        effects.sort { Self.depth($0) < Self.depth($1) }
        try scan(.requests, into: &effects) { (_, reader) throws(RowReader.Damaged) in
            let id = try reader.text()
            let bodyHash = try reader.unsigned()
            let names = try reader.list { (reader) throws(RowReader.Damaged) in
                ResourceName(unchecked: try reader.text())
            }
            return .requestRemembered(
                requestID: id,
                bodyHash: bodyHash,
                names: names,
                at: Timestamp(milliseconds: try reader.signed())
            )
        }
        try applyJobs(&effects)
        flush(&effects)
    }

    private static func depth(_ effect: Effect) -> Int {
        if case .resourceStored(let name, _) = effect { return name.text.utf8.count }
        return 0
    }

    /// Everything else; events above `replayAfter` come last, in the order in which they were
    /// written, and `observe` is told of them as it was the first time.
    func applyRecords(
        replayAfter: LogPosition,
        prepare: () -> Void,
        observe: ([AppliedChange]) -> Void
    ) throws(JournalError) {
        var effects: [Effect] = []
        let rewrites = try rewrites(after: replayAfter)
        try applyNames(&effects)
        try applyErasures(rewrites, &effects)
        try applyEntities(&effects)
        try applyBatches(&effects)
        flush(&effects)
        var replay = HistoryReplay(replayAfter: replayAfter, rewrites: rewrites)
        try applyEvents(&replay, &effects)
        effects += replay.facts()
        flush(&effects)
        prepare()
        replay.forEachStep(counted: { engine.counted($1, $0) }) { observe(engine.apply([$0])) }
        try reread(rewrites, observe)
        // A session that was joined again has another user now, an item that was deleted and put
        // again its record.
        try applyJoins(&effects)
        if rewrites.contains(where: { $0.owners.isEmpty }) { try applyItems(&effects) }
        flush(&effects)
        _ = engine.apply([Effects(position: position, effects: [])])
    }

    /// The events that need not be told later, as one effect an owner.
    private func applyEvents(
        _ replay: inout HistoryReplay,
        _ effects: inout [Effect]
    ) throws(JournalError) {
        var reader = RowReader([])
        var history = RestoredHistory()
        var eventCount = 0
        try unsafe store.scan(.events) { (bytes, value) throws(JournalError) in
            guard let first = unsafe EventKey(bytes) else { throw unsafe damaged(.events, bytes) }
            unsafe reader.begin(value)
            history.begin(first, &effects)
            if eventCount >= Self.effectsPerApply {
                history.settle(before: first, &effects)
                flush(&effects)
                eventCount = 0
            }
            do throws(RowReader.Damaged) {
                var key: EventKey? = first
                while let next = key {
                    if replay.takes(next) {
                        replay.take(try reader.event(next), of: next)
                    } else {
                        history.events.append(try reader.restoredEvent(next))
                        eventCount += 1
                    }
                    key = try reader.nextEventKey(after: next)
                }
            } catch {
                throw unsafe damaged(.events, bytes)
            }
            return true
        }
        history.finish(&effects)
    }

    /// Deletions make room in full histories for events that are on disk only.
    private func reread(
        _ rewrites: [HistoryRewrite],
        _ observe: ([AppliedChange]) -> Void
    ) throws(JournalError) {
        for group in Set(rewrites.filter { !$0.isWhole }.map(\.group)) {
            for owner in engine.truncatedOwners(group) {
                let events = try EventRows(store: store, group: group, owner: owner).all()
                    .filter { engine.isVisible($0, group) }
                let effect = Effect.erased(.historyReread(group, owner, events))
                observe(engine.apply([Effects(position: position, effects: [effect])]))
            }
        }
    }

    private func rewrites(
        after position: LogPosition
    ) throws(JournalError) -> [HistoryRewrite] {
        var found: [HistoryRewrite] = []
        try unsafe store.scan(.rewrites) { (key, value) throws(JournalError) in
            guard key.count == 16 else { throw unsafe damaged(.rewrites, key) }
            let group = GroupIndex(UInt32(truncatingIfNeeded: unsafe RowKey.read(key, 0, 4)))
            let at = LogPosition(unsafe RowKey.read(key, 4, 8))
            guard at > position else { return true }
            var reader = unsafe RowReader(value)
            do throws(RowReader.Damaged) {
                found.append(try HistoryRewrite(group, at, &reader))
            } catch {
                throw unsafe damaged(.rewrites, key)
            }
            return true
        }
        return found
    }

    private func applyNames(_ effects: inout [Effect]) throws(JournalError) {
        // Of users who are named only later.
        var merges: [Effect] = []
        try scan(.names, into: &effects) { (key, reader) throws(RowReader.Damaged) in
            guard key.count == 9, let kind = RowKey.NameKind(rawValue: key[4]) else {
                throw RowReader.Damaged()
            }
            let group = GroupIndex(Self.number(key, 0))
            let index = Self.number(key, 5)
            switch kind {
            case .item:
                return .itemNamed(group, ItemIndex(index), id: try reader.text())
            case .owner:
                guard let owner = OwnerKind(rawValue: try reader.narrow(UInt8.self)) else {
                    throw RowReader.Damaged()
                }
                let id = try reader.text()
                if !reader.isAtEnd {
                    let target = UserIndex(try reader.narrow(UInt32.self))
                    merges.append(
                        .merged(.named(group, user: UserIndex(index), id: id, into: target))
                    )
                }
                return .ownerNamed(group, UserIndex(index), owner, id: id)
            case .eventType:
                return .eventTypeNamed(
                    group,
                    EventTypeIndex(UInt16(truncatingIfNeeded: index)),
                    name: try reader.text()
                )
            }
        }
        effects += merges
        try applyJoins(&effects)
    }

    private func applyJoins(_ effects: inout [Effect]) throws(JournalError) {
        try scan(.sessions, into: &effects) { (key, reader) throws(RowReader.Damaged) in
            let (group, session) = try Self.entity(key)
            return .sessionJoined(
                group,
                session: UserIndex(session),
                user: UserIndex(try reader.narrow(UInt32.self))
            )
        }
    }

    private func applyEntities(_ effects: inout [Effect]) throws(JournalError) {
        try applyItems(&effects)
        try scan(.users, into: &effects) { (key, reader) throws(RowReader.Damaged) in
            let (group, user, generation) = try Self.record(key)
            let record = try reader.entity(id: try reader.text())
            if let generation { return .bulk(group, .users, generation, user, record) }
            return .userStored(group, UserIndex(user), record)
        }
    }

    private func applyItems(_ effects: inout [Effect]) throws(JournalError) {
        try scan(.items, into: &effects) { (key, reader) throws(RowReader.Damaged) in
            let (group, item, generation) = try Self.record(key)
            let record = try reader.entity(id: try reader.text())
            if let generation { return .bulk(group, .items, generation, item, record) }
            return .itemStored(group, ItemIndex(item), record)
        }
    }

    private func scan(
        _ family: ColumnFamily,
        into effects: inout [Effect],
        _ decode: (_ key: [UInt8], _ reader: inout RowReader) throws(RowReader.Damaged) -> Effect
    ) throws(JournalError) {
        try unsafe store.scan(family) { (key, value) throws(JournalError) in
            var reader = unsafe RowReader(value)
            do throws(RowReader.Damaged) {
                effects.append(try decode(unsafe Array(key), &reader))
            } catch {
                throw unsafe damaged(family, key)
            }
            if family != .resources, effects.count >= Self.effectsPerApply { flush(&effects) }
            return true
        }
    }

    private func flush(_ effects: inout [Effect]) {
        guard !effects.isEmpty else { return }
        _ = engine.apply([Effects(position: .zero, effects: effects)])
        effects.removeAll(keepingCapacity: true)
    }

    private static func number(_ key: [UInt8], _ offset: Int) -> UInt32 {
        key[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func entity(
        _ key: [UInt8]
    ) throws(RowReader.Damaged) -> (GroupIndex, UInt32) {
        guard key.count == 8 else { throw RowReader.Damaged() }
        return (GroupIndex(number(key, 0)), number(key, 4))
    }

    /// Behind the record that was put for a user or item, if any, stand those in bulk.
    private static func record(
        _ key: [UInt8]
    ) throws(RowReader.Damaged) -> (GroupIndex, UInt32, generation: UInt32?) {
        guard key.count == 8 || key.count == 12 else { throw RowReader.Damaged() }
        return (GroupIndex(number(key, 0)), number(key, 4), key.count == 8 ? nil : number(key, 8))
    }

    func damaged(_ family: ColumnFamily, _ key: UnsafeRawBufferPointer) -> JournalError {
        let text = unsafe key.map { String($0, radix: 16) }.joined(separator: " ")
        return JournalError(
            .corrupt,
            "a row of '\(family.rawValue)' with the key [\(text)] can't be read; nothing was "
                + "changed; "
                + "restore a backup, or move the data directory away"
        )
    }
}

/// The events of one owner as they are read, put in order where rows overlap.
///
/// What `EventOrder` does, but where the events will stay: a fifth of a restart's CPU less.
private struct RestoredHistory {
    private var owner: (group: GroupIndex, owner: UserIndex)?
    private var isSorted = true
    var events: [RestoredEvent] = []

    /// The next row is one with this key.
    mutating func begin(_ key: EventKey, _ effects: inout [Effect]) {
        if owner?.owner != key.owner || owner?.group != key.group {
            finish(&effects)
            owner = (key.group, key.owner)
        } else if let last = events.last, !last.isBefore(key) {
            isSorted = false
        }
    }

    /// Tells of what no row from that of `key` on comes before.
    mutating func settle(before key: EventKey, _ effects: inout [Effect]) {
        sort()
        tell(events.firstIndex { !$0.isBefore(key) } ?? events.count, &effects)
        isSorted = events.isEmpty
    }

    mutating func finish(_ effects: inout [Effect]) {
        sort()
        tell(events.count, &effects)
        isSorted = true
    }

    private mutating func sort() {
        guard !isSorted else { return }
        events.sort { left, right in
            (left.occurredAt, left.position, left.ordinal)
                < (right.occurredAt, right.position, right.ordinal)
        }
    }

    private mutating func tell(_ count: Int, _ effects: inout [Effect]) {
        guard let owner, count > 0 else { return }
        effects.append(
            .eventsRestored(owner.group, owner: owner.owner, Array(events[..<count]))
        )
        events.removeFirst(count)
    }
}

extension RestoredEvent {
    fileprivate func isBefore(_ key: EventKey) -> Bool {
        (occurredAt, position, ordinal) < (key.time, key.position, key.ordinal)
    }
}
