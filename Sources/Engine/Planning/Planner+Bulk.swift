import Primitives
import Resources

/// Some rows of a file.
extension Planner {
    mutating func plan(
        _ records: BulkRecords,
        _ group: DatasetGroup,
        _ work: ImportWork,
        _ outcome: inout MutationOutcome
    ) throws(Stop) {
        switch records {
        // Of another kind of job.
        case .deletions: return
        case .events(let events):
            let planned = try plan(events, group, work)
            try admit(planned, group.index, work)
            outcome.appliedCount = planned.events.count
            outcome.duplicateCount = events.rows.count - planned.events.count
            if !planned.events.isEmpty {
                effects.append(.bulk(.eventsStored(group.index, planned)))
            }
        case .entities(let kind, let records):
            let entities = records.map { record in
                let index =
                    kind == .users
                    ? owner(group.index, .user, record.id).rawValue
                    : item(group.index, record.id).rawValue
                var record = record
                if kind == .users, let store = engine.stored(group.index) {
                    record.id = store.keptID(record.id, of: UserIndex(index))
                }
                return BulkEntity(index: index, record: record)
            }
            outcome.appliedCount = entities.count
            if entities.isEmpty { return }
            try admit(entities, kind, group.index, work)
            if work.mode == .incremental, let store = engine.stored(group.index) {
                // An id that is there already gets the new record, however the old one came.
                let put = entities.map(\.index).filter { store.isPut(kind, $0) }
                if !put.isEmpty {
                    effects.append(.bulk(.entitiesReplaced(group.index, kind, put)))
                }
            }
            effects.append(
                .bulk(
                    .entitiesStored(
                        group.index,
                        kind,
                        generation: work.generation,
                        entities
                    )
                )
            )
        }
    }

    private mutating func plan(
        _ events: BulkEvents,
        _ group: DatasetGroup,
        _ work: ImportWork
    ) throws(Stop) -> PlannedEvents {
        var types: [EventTypeIndex] = []
        for name in events.types { types.append(try eventType(group.index, name)) }
        var names = ChunkNames(engine, group.index)
        var rows: [PlannedEvent] = []
        rows.reserveCapacity(events.rows.count)
        let text = unsafe events.text.span.bytes
        for row in events.rows {
            rows.append(
                PlannedEvent(
                    owner: names.owner(text.extracting(row.user.range)),
                    item: names.item(text.extracting(row.item.range)),
                    type: types[Int(row.type)],
                    typeText: row.type,
                    ordinal: row.ordinal,
                    itemText: row.item,
                    milliseconds: row.milliseconds,
                    value: row.value
                )
            )
        }
        effects += names.effects
        rows.sort { left, right in
            if left.owner != right.owner { return left.owner < right.owner }
            if left.milliseconds != right.milliseconds {
                return left.milliseconds < right.milliseconds
            }
            return left.ordinal < right.ordinal
        }
        var planned = PlannedEvents(
            position: position,
            generation: work.generation,
            text: events.text,
            types: events.types,
            events: [],
            rests: events.rests
        )
        planned.events = try new(rows, in: planned, group.index, work)
        return planned
    }

    /// The rows that say something new.
    private func new(
        _ rows: [PlannedEvent],
        in chunk: PlannedEvents,
        _ group: GroupIndex,
        _ work: ImportWork
    ) throws(Stop) -> [PlannedEvent] {
        guard let store = engine.stored(group) else { return rows }
        let ownerCount = UInt32(store.ownerCount)
        var kept: [PlannedEvent] = []
        kept.reserveCapacity(rows.count)
        for row in rows {
            if isRepeated(row, kept, chunk) { continue }
            if row.owner.rawValue < ownerCount {
                let interaction = row.interaction
                let mayBeStored =
                    work.mode == .full
                    ? store.mayHaveStagedOrPut(row.owner, interaction)
                    : store.mayHaveEvent(row.owner, interaction)
                if mayBeStored, try isStored(row, chunk, group) { continue }
            }
            kept.append(row)
        }
        return kept
    }

    /// Whether one of the rows before it, of the same owner and time, says the same.
    private func isRepeated(
        _ row: PlannedEvent,
        _ kept: [PlannedEvent],
        _ chunk: PlannedEvents
    ) -> Bool {
        var index = kept.count
        while index > 0 {
            index -= 1
            let other = kept[index]
            guard other.owner == row.owner, other.milliseconds == row.milliseconds else {
                return false
            }
            if other.item == row.item && other.typeText == row.typeText
                && other.value.bitPattern == row.value.bitPattern
                && chunk.rests[other.ordinal] == chunk.rests[row.ordinal]
            {
                return true
            }
        }
        return false
    }

    private func isStored(
        _ row: PlannedEvent,
        _ chunk: PlannedEvents,
        _ group: GroupIndex
    ) throws(Stop) -> Bool {
        let event = chunk.stored(row)
        do throws(Refusal) {
            let known = try facts.events(group, owner: row.owner, at: event.record.occurredAt)
            return known.contains { other in
                (other.generation == 0 || other.generation == chunk.generation)
                    && other.hasSameBody(as: event)
            }
        } catch {
            throw .refused(error)
        }
    }
}

/// The indices of a chunk's ids, those included that are new with it.
private struct ChunkNames {
    private let group: GroupIndex
    private let store: GroupStore?
    private var newOwners: IdentifierTable
    private var newItems: IdentifierTable
    private let ownerCount: UInt32
    private let itemCount: UInt32
    private(set) var effects: [Effect] = []

    init(_ engine: DatasetEngine, _ group: GroupIndex) {
        self.group = group
        store = engine.stored(group)
        newOwners = IdentifierTable(hash: engine.hash)
        newItems = newOwners
        ownerCount = UInt32(store?.ownerCount ?? 0)
        itemCount = UInt32(store?.items.count ?? 0)
    }

    mutating func owner(_ id: RawSpan) -> UserIndex {
        if let known = store?.owner(id, .user) { return known }
        if let known = newOwners.index(of: id) { return UserIndex(ownerCount + known) }
        let text = String(id)
        let owner = UserIndex(ownerCount + newOwners.insert(text))
        effects.append(.ownerNamed(group, owner, .user, id: text))
        return owner
    }

    mutating func item(_ id: RawSpan) -> ItemIndex {
        if let known = store?.items.index(of: id) { return ItemIndex(known) }
        if let known = newItems.index(of: id) { return ItemIndex(itemCount + known) }
        let text = String(id)
        let item = ItemIndex(itemCount + newItems.insert(text))
        effects.append(.itemNamed(group, item, id: text))
        return item
    }
}

extension String {
    fileprivate init(_ bytes: RawSpan) {
        self = unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
