package import Primitives
import Resources
import Synchronization

/// The data of one dataset group.
///
/// Readers come through `root` and the shards' locks; everything else belongs to the writer's
/// thread.
///
/// SAFETY of `@unchecked`: the `var`s are touched by the one thread that applies, and by `plan` on
/// the same thread.
package final class GroupStore: @unchecked Sendable {
    package let index: GroupIndex
    let root: Published<GroupRoot>
    let shards: [Shard]
    private let hash: StableHash
    let historyLengthMax: Int

    /// Where each owner lives, by index.
    private(set) var places: [Place] = []
    private(set) var items: IdentifierTable
    private(set) var eventTypes: IdentifierTable
    private(set) var ids: [[String]] = []
    var records: [[EntityRecord?]] = []
    private var sharedIDs: [ItemIDChunk] = []
    private var sharedRecords: [ItemRecordChunk] = []
    var hasRecord = ItemBitmap()
    /// Items whose record was put, not imported in bulk.
    var hasPutRecord = ItemBitmap()
    var hasEvents = ItemBitmap()
    /// Items with events that were put.
    var hasPutEvents = ItemBitmap()
    /// How many events of each item were put, and how many are of the active bulk generation.
    var putCounts = EventCounts()
    var bulkCounts = EventCounts()
    /// Events without an item; all of them were put.
    var itemless = Tally()
    /// Records of users and items that count.
    var entities = Tally()
    /// Events on these items at or below the position count no more.
    var itemDeletions: [ItemIndex: LogPosition] = [:]
    /// The newest deletion of a single record.
    var lastErasure = LogPosition.zero
    var erasureCount = 0
    var changedChunks: Set<Int> = []
    var isRootStale = false
    /// Some id is another name of a user.
    var hasMerges = false
    /// What FULL imports that are under way have gathered.
    var staging = BulkStaging()
    /// Which bulk records are the datasets' own.
    var bulk: [DatasetKind: BulkState] = [:]
    let columns: ItemColumnStore
    let eventProperties = EventPropertyTable()
    private var fields: [DatasetKind: [SchemaField]] = [:]
    private var layout: UInt64 = 0
    /// What filters of this group share.
    package let filters: GroupFilters
    var servesUnknownItems = true {
        didSet { isRootStale = true }
    }
    /// Ids that readers may look up; kept beside `items`, which the writer alone reads.
    let readableItems: Mutex<IdentifierTable>
    /// The same for the names of event types, by index.
    private let readableTypes = Mutex<[String]>([])

    /// What one more event does to a history.
    struct StoredChange: Sendable {
        /// The oldest entry, which had to go before.
        var dropped: HistoryChange?
        var added: HistoryChange?
    }

    struct Place {
        let shard: UInt16
        let slot: UInt32
    }

    package static let shardCount = 16

    init(
        index: GroupIndex,
        hash: StableHash,
        historyLengthMax: Int,
        numberIndexing: NumberIndexing
    ) {
        self.index = index
        self.historyLengthMax = historyLengthMax
        self.hash = hash
        items = IdentifierTable(hash: hash)
        readableItems = Mutex(IdentifierTable(hash: hash))
        eventTypes = IdentifierTable(hash: hash)
        shards = (0..<Self.shardCount).map { _ in Shard(hash: hash) }
        columns = ItemColumnStore(hash: hash)
        filters = GroupFilters(hash: hash, numberIndexing: numberIndexing)
        root = Published(GroupRoot())
    }

    func shard(of id: RawSpan) -> Int {
        // The low bits choose the slot in the shard's table: take others.
        Int(truncatingIfNeeded: hash.hash(id) >> 24) & (Self.shardCount - 1)
    }

    // MARK: Readers, any thread

    /// Appends the newest `count` entries of an owner's history, oldest first.
    ///
    /// O(count) under the shard's lock.
    /// - Returns: Whether the owner is known.
    package func copyHistory(
        of id: RawSpan,
        _ kind: OwnerKind,
        newest count: Int,
        into target: inout [Interaction]
    ) -> Bool {
        let known: Void? = withOwner(named: id, kind) { state, slot in
            let entries = unsafe state.arena.entries(state.owners[slot].history)
            for position in max(0, entries.count - count)..<entries.count {
                target.append(unsafe entries[position].unpacked)
            }
        }
        return known != nil
    }

    /// Removes every item of an owner's whole history from `bitmap`.
    package func removeInteracted(of id: RawSpan, _ kind: OwnerKind, from bitmap: inout ItemBitmap)
    {
        var removed = bitmap
        _ = withOwner(named: id, kind) { state, slot in
            let entries = unsafe state.arena.entries(state.owners[slot].history)
            for position in 0..<entries.count {
                removed.remove(Int(unsafe entries[position].item))
            }
        }
        bitmap = removed
    }

    /// The index of an item's id; `nil` when it is unknown.
    package func item(withID id: RawSpan) -> ItemIndex? {
        readableItems.withLock { $0.index(of: id).map { ItemIndex($0) } }
    }

    package var currentRoot: GroupRoot { root.current }

    /// Entries of all histories that are kept in memory; O(owners).
    package var interactionCount: Int {
        shards.reduce(0) { sum, shard in
            sum + shard.state.withLock { $0.owners.reduce(0) { $0 + Int($1.history.count) } }
        }
    }

    /// The name of an event type; `nil` for an index that is not given yet.
    package func eventTypeName(_ index: Int) -> String? {
        readableTypes.withLock { index < $0.count ? $0[index] : nil }
    }

    /// Calls `body` with every entry of every history, in no stated order.
    ///
    /// O(interactions), one shard's lock at a time.
    package func forEachInteraction(_ body: (Interaction) -> Void) {
        for shard in shards {
            shard.state.withLock { state in
                for owner in state.owners {
                    let entries = unsafe state.arena.entries(owner.history)
                    for place in 0..<entries.count { body(unsafe entries[place].unpacked) }
                }
            }
        }
    }

    // MARK: The writer's questions

    var ownerCount: Int { places.count }

    func owner(_ id: String, _ kind: OwnerKind) -> UserIndex? {
        id.withRawSpan { owner($0, kind) }
    }

    func owner(_ id: RawSpan, _ kind: OwnerKind) -> UserIndex? {
        withOwner(named: id, kind) { $0.owners[$1].index }
    }

    func joinedUser(of session: UserIndex) -> UserIndex? {
        withOwner(session) { $0.owners[$1].joinedUser }
    }

    /// Whether an event of this owner, item, type and time may be stored already.
    func mayHaveEvent(_ owner: UserIndex, _ interaction: Interaction) -> Bool {
        withOwner(owner) { state, slot in
            state.mayHaveEntry(state.owners[slot].history, interaction)
        }
    }

    func withOwner<R: Sendable>(
        _ owner: UserIndex,
        _ body: (Shard.State, Int) -> R
    ) -> R {
        let place = places[Int(owner.rawValue)]
        return shards[Int(place.shard)].state.withLock { body($0, Int(place.slot)) }
    }

    // MARK: Applying, the writer's thread

    func nameItem(_ item: ItemIndex, _ id: String) {
        precondition(Int(item.rawValue) == items.count, "item indices are dense")
        items.insert(id)
        readableItems.withLock { _ = $0.insert(id) }
        if ids.isEmpty || ids[ids.count - 1].count == ItemIDChunk.capacity {
            ids.append([])
            records.append([])
        }
        ids[ids.count - 1].append(id)
        records[records.count - 1].append(nil)
        columns.append()
        hasRecord.grow(to: items.count)
        hasPutRecord.grow(to: items.count)
        hasEvents.grow(to: items.count)
        hasPutEvents.grow(to: items.count)
        changedChunks.insert(ids.count - 1)
        isRootStale = true
    }

    func nameOwner(_ owner: UserIndex, _ kind: OwnerKind, _ id: String) {
        precondition(Int(owner.rawValue) == places.count, "owner indices are dense")
        let place = id.withRawSpan { shard(of: $0) }
        let slot = shards[place].state.withLock { $0.add(id, kind, owner) }
        places.append(Place(shard: UInt16(place), slot: UInt32(slot)))
    }

    func nameEventType(_ type: EventTypeIndex, _ name: String) {
        precondition(Int(type.rawValue) == eventTypes.count, "event type indices are dense")
        eventTypes.insert(name)
        readableTypes.withLock { $0.append(name) }
        filters.nameEventType(name)
    }

    /// The schema of one kind of records is, or has become, this one.
    func follow(_ schema: Schema) {
        let new = schema.ownColumns
        let old = fields[schema.kind] ?? []
        guard new != old else { return }
        fields[schema.kind] = new
        if !new.starts(with: old) { layout += 1 }
        if schema.kind == .items {
            columns.follow(new, isOpen: schema.isOpen, records: records)
        }
        isRootStale = true
    }

    func storeItem(_ item: ItemIndex, _ record: EntityRecord) {
        let index = Int(item.rawValue)
        setRecord(item, record)
        hasRecord.insert(index)
        hasPutRecord.insert(index)
        isRootStale = true
    }

    func storeUser(_ owner: UserIndex, _ record: EntityRecord) {
        withOwner(owner) { state, slot in
            setRecord(state, slot, record)
            state.owners[slot].isRecordPut = true
        }
    }

    /// Every record of an item comes and goes here.
    func setRecord(_ item: ItemIndex, _ record: EntityRecord?) {
        let (chunk, place) = Int(item.rawValue).quotientAndRemainder(
            dividingBy: ItemIDChunk.capacity
        )
        entities.replace(records[chunk][place]?.dataByteCount, by: record?.dataByteCount)
        records[chunk][place] = record
        columns.set(item, record)
        changedChunks.insert(chunk)
    }

    /// The same for a user, whose shard's lock the caller has.
    func setRecord(_ state: Shard.State, _ slot: Int, _ record: EntityRecord?) {
        let old = state.record(ofSlot: slot)?.dataByteCount
        entities.replace(old, by: record?.dataByteCount)
        state.owners[slot].properties = record?.properties
    }

    /// Adds an event to its owner's history, if it takes part in histories.
    ///
    /// A full history lets its oldest entry go first: whoever learns from histories forgets it, as
    /// after a restart nobody knows of it. An event that is older than all that a full history
    /// keeps is on disk only.
    ///
    /// `isCounted`: it has only come to another place.
    func storeEvent(
        _ owner: UserIndex,
        _ event: StoredEvent,
        isCounted: Bool = false
    ) -> StoredChange {
        guard let entry = entry(event) else {
            if event.item == nil, !isCounted { itemless.add(event.record.dataByteCount) }
            return StoredChange()
        }
        let bytes = isCounted ? nil : event.record.dataByteCount
        return storeEvent(owner, entry, bytes: bytes)
    }

    /// What a history keeps of an event; `nil` when it takes no part in histories.
    func entry(_ event: StoredEvent) -> HistoryEntry? {
        guard let item = event.item, !isDead(event) else { return nil }
        return HistoryEntry(
            packed: PackedInteraction(
                Interaction(
                    item: item,
                    type: event.type,
                    occurredAt: event.record.occurredAt
                ),
                isBulk: event.generation != 0
            ),
            value: event.record.eventValue ?? .nan,
            properties: eventProperties.insert(event.record.properties.values)
        )
    }

    /// The same for one of a chunk of bulk events.
    func entry(_ event: PlannedEvent, of chunk: PlannedEvents) -> HistoryEntry {
        HistoryEntry(
            packed: PackedInteraction(event.interaction, isBulk: true),
            value: event.value,
            properties: eventProperties.insert(
                chunk.rests[event.ordinal]?.properties.values ?? []
            )
        )
    }

    /// `bytes` of data; `nil` for one that is counted already.
    func storeEvent(
        _ owner: UserIndex,
        _ entry: HistoryEntry,
        bytes: Int?
    ) -> StoredChange {
        count(entry, bytes: bytes)
        return withOwner(owner) { state, slot in
            let rank = entry.packed.rank
            var index = state.insertionIndex(state.owners[slot].history, rank: rank)
            var stored = StoredChange()
            if Int(state.owners[slot].history.count) >= historyLengthMax {
                guard index > 0 else {
                    state.owners[slot].history.isTruncated = true
                    return stored
                }
                stored.dropped = state.change(slot, at: 0)
                state.arena.removeFirst(of: &state.owners[slot].history)
                index -= 1
            }
            state.arena.insert(entry, at: index, into: &state.owners[slot].history)
            stored.added = state.change(slot, at: index)
            return stored
        }
    }

    func joinSession(_ session: UserIndex, to user: UserIndex) {
        withOwner(session) { $0.owners[$1].joinedUser = user }
    }

    /// Empties a history, newest first; what it held is reported as retracted.
    func clearHistory(_ owner: UserIndex) -> [HistoryChange] {
        withOwner(owner) { state, slot in
            var changes: [HistoryChange] = []
            while state.owners[slot].history.count > 0 {
                let last = Int(state.owners[slot].history.count) - 1
                changes.append(state.change(slot, at: last))
                state.arena.removeLast(of: &state.owners[slot].history)
            }
            state.arena.clear(&state.owners[slot].history)
            return changes
        }
    }

    func deleteInteractions() {
        for shard in shards {
            shard.state.withLock { state in
                for slot in state.owners.indices {
                    state.arena.clear(&state.owners[slot].history)
                    state.clearStaged(slot)
                    if state.owners[slot].kind == .session { state.owners[slot].joinedUser = nil }
                }
            }
        }
        hasEvents = ItemBitmap()
        hasEvents.grow(to: items.count)
        hasPutEvents = hasEvents
        putCounts = EventCounts()
        bulkCounts = EventCounts()
        itemless = Tally()
        staging.counts = EventCounts()
        staging.events = nil
        isRootStale = true
    }

    func deleteItemRecords() {
        for chunk in records.indices {
            for record in records[chunk] { entities.replace(record?.dataByteCount, by: nil) }
            records[chunk] = Array(repeating: nil, count: records[chunk].count)
            changedChunks.insert(chunk)
        }
        columns.clear()
        hasRecord = ItemBitmap()
        hasRecord.grow(to: items.count)
        hasPutRecord = hasRecord
        staging.items = nil
        isRootStale = true
    }

    func deleteUserRecords() {
        for shard in shards {
            shard.state.withLock { state in
                for slot in state.owners.indices {
                    setRecord(state, slot, nil)
                    state.owners[slot].isRecordPut = false
                }
            }
        }
        staging.users = nil
    }

    /// Publishes a new root when items have changed since the last one.
    ///
    /// O(changed chunks + words).
    func publishRoot() {
        guard isRootStale else { return }
        isRootStale = false
        for chunk in changedChunks.sorted() {
            let names = ItemIDChunk(ids: ids[chunk])
            let rows = ItemRecordChunk(records: records[chunk])
            if chunk < sharedIDs.count {
                if sharedIDs[chunk].ids.count != ids[chunk].count { sharedIDs[chunk] = names }
                sharedRecords[chunk] = rows
            } else {
                sharedIDs.append(names)
                sharedRecords.append(rows)
            }
        }
        changedChunks = []
        var words = hasRecord.words
        if servesUnknownItems {
            for index in words.indices { words[index] |= hasEvents.words[index] }
        }
        var candidates = ItemBitmap(words: words)
        // A deleted item comes back with a record only.
        for item in itemDeletions.keys where !hasRecord.contains(Int(item.rawValue)) {
            candidates.remove(Int(item.rawValue))
        }
        root.replace(
            GroupRoot(
                itemCount: items.count,
                candidates: candidates,
                candidateCount: candidates.count,
                ids: sharedIDs,
                records: sharedRecords,
                columns: columns.publish(),
                layout: layout,
                itemDeletions: itemDeletions
            )
        )
    }
}
