import Primitives
import Resources
import Synchronization

/// What FULL imports that are under way have gathered, beside the shards' staged histories.
struct BulkStaging {
    /// Items with staged events; `nil` without any.
    var events: ItemBitmap?
    /// How many staged events each item has.
    var counts = EventCounts()
    var items: [UInt32: EntityRecord]?
    var users: [UInt32: EntityRecord]?
}

/// Records that came in bulk.
///
/// On the writer's thread, like all that applies.
extension GroupStore {
    func stageEvent(_ owner: UserIndex, _ entry: HistoryEntry, bytes: Int) {
        countStaged(entry, bytes: bytes)
        withOwner(owner) { state, slot in
            state.insert(
                entry,
                into: &state.staged[slot, default: HistorySlot()],
                max: historyLengthMax
            )
        }
    }

    /// Counts an event for its item; `bytes` are `nil` for one that is counted already.
    func count(_ entry: HistoryEntry, bytes: Int?) {
        let item = Int(entry.packed.item)
        if let bytes {
            if entry.packed.isBulk {
                bulkCounts.add(item, bytes)
            } else {
                putCounts.add(item, bytes)
            }
        }
        if !hasEvents.contains(item) {
            hasEvents.insert(item)
            isRootStale = true
        }
        if !entry.packed.isBulk { hasPutEvents.insert(item) }
    }

    func countStaged(_ entry: HistoryEntry, bytes: Int) {
        if staging.events == nil { staging.events = ItemBitmap() }
        staging.events?.insert(Int(entry.packed.item))
        staging.counts.add(Int(entry.packed.item), bytes)
    }

    /// Whether a staged event of this owner, or one that was put, may say the same.
    func mayHaveStagedOrPut(_ owner: UserIndex, _ interaction: Interaction) -> Bool {
        withOwner(owner) { state, slot in
            let history = state.owners[slot].history
            return state.staged[slot].map { state.mayHaveEntry($0, interaction) } ?? false
                || history.hasPut && state.mayHaveEntry(history, interaction, isPut: true)
        }
    }

    /// - Returns: The items among them whose records count from now on.
    func storeEntities(
        _ kind: DatasetKind,
        _ generation: UInt32,
        _ entities: [BulkEntity]
    ) -> [BulkEntity] {
        guard generation == bulk[kind]?.active else {
            guard generation == bulk[kind]?.staging else { return [] }
            for entity in entities {
                switch kind {
                case .items: staging.items = staging.items ?? [:]
                case .users: staging.users = staging.users ?? [:]
                case .interactions: continue
                }
                if kind == .items { staging.items?[entity.index] = entity.record }
                if kind == .users { staging.users?[entity.index] = entity.record }
            }
            return []
        }
        guard kind == .items else {
            for entity in entities {
                withOwner(UserIndex(entity.index)) { state, slot in
                    if !state.owners[slot].isRecordPut { setRecord(state, slot, entity.record) }
                }
            }
            return []
        }
        let counting = entities.filter { !hasPutRecord.contains(Int($0.index)) }
        for entity in counting {
            storeItem(ItemIndex(entity.index), entity.record)
            hasPutRecord.remove(Int(entity.index))
        }
        return counting
    }

    /// Whether the record of a user or item that counts was put.
    func isPut(_ kind: DatasetKind, _ index: UInt32) -> Bool {
        switch kind {
        case .items: hasPutRecord.contains(Int(index))
        case .users:
            Int(index) < ownerCount && withOwner(UserIndex(index)) { $0.owners[$1].isRecordPut }
        case .interactions: false
        }
    }

    /// Records that come next take the place of what was put for these.
    func removePutMarks(_ kind: DatasetKind, _ indices: [UInt32]) {
        for index in indices {
            if kind == .items {
                hasPutRecord.remove(Int(index))
            } else {
                withOwner(UserIndex(index)) { $0.owners[$1].isRecordPut = false }
            }
        }
    }

    /// Makes what is staged the dataset's own.
    ///
    /// O(owners + put events of histories that have any) for interactions, O(items) or O(users)
    /// for the others.
    func switchBulk(_ kind: DatasetKind, _ reread: [RereadHistory]) {
        switch kind {
        case .interactions: switchEvents(reread)
        case .items: switchItems()
        case .users: switchUsers()
        }
    }

    private func switchEvents(_ reread: [RereadHistory]) {
        for history in reread {
            withOwner(history.owner) { state, slot in
                state.arena.clear(&state.owners[slot].history)
                for event in history.events {
                    guard let entry = entry(event) else { continue }
                    state.insert(
                        entry,
                        into: &state.owners[slot].history,
                        max: historyLengthMax
                    )
                }
            }
        }
        for shard in shards {
            shard.state.withLock { $0.switchHistories(max: historyLengthMax) }
        }
        hasEvents = hasPutEvents
        if let staged = staging.events {
            var words = hasEvents.words
            for (index, word) in staged.words.enumerated() where word != 0 { words[index] |= word }
            hasEvents = ItemBitmap(words: words)
        }
        staging.events = nil
        bulkCounts = staging.counts
        staging.counts = EventCounts()
        isRootStale = true
    }

    private func switchItems() {
        let staged = staging.items ?? [:]
        for index in 0..<items.count where !hasPutRecord.contains(index) {
            let record = staged[UInt32(index)]
            guard record != nil || hasRecord.contains(index) else { continue }
            setRecord(ItemIndex(UInt32(index)), record)
            if record == nil { hasRecord.remove(index) } else { hasRecord.insert(index) }
        }
        staging.items = nil
        isRootStale = true
    }

    private func switchUsers() {
        let staged = staging.users ?? [:]
        for shard in shards {
            shard.state.withLock { state in
                for slot in state.owners.indices where !state.owners[slot].isRecordPut {
                    let index = state.owners[slot].index.rawValue
                    setRecord(state, slot, staged[index])
                }
            }
        }
        staging.users = nil
    }

    func dropStaged(_ kind: DatasetKind) {
        switch kind {
        case .interactions:
            staging.events = nil
            staging.counts = EventCounts()
            for shard in shards {
                shard.state.withLock { state in
                    for slot in Array(state.staged.keys) { state.clearStaged(slot) }
                    state.staged = [:]
                }
            }
        case .items: staging.items = nil
        case .users: staging.users = nil
        }
    }

    /// Owners of whose histories only a part is in memory, and which have put events there.
    func truncatedOwners() -> [UserIndex] {
        var found: [UserIndex] = []
        for shard in shards {
            shard.state.withLock { state in
                for owner in state.owners where owner.history.isTruncated {
                    found.append(owner.index)
                }
            }
        }
        return found.sorted()
    }

    /// What tells bulk records from others, as lines of a digest; none without bulk records.
    func describeBulk(_ slot: Int, _ id: String, _ state: Shard.State) -> [String] {
        let owner = state.owners[slot]
        var lines: [String] = []
        let marks = unsafe state.arena.entries(owner.history).map(\.isBulk)
        if marks.contains(true) { lines.append("bulk owner \(owner.kind) \(id) \(marks)") }
        if let staged = state.staged[slot], staged.count > 0 {
            let entries = unsafe state.arena.entries(staged).map { entry in
                "\(items[entry.item])/\(eventTypes[UInt32(entry.type)])/\(entry.milliseconds)"
            }
            lines.append("staged owner \(id) \(entries) \(staged.isTruncated)")
        }
        if owner.properties != nil && !owner.isRecordPut { lines.append("bulk user \(id)") }
        if let record = staging.users?[owner.index.rawValue] {
            lines.append("staged user \(id) \(record)")
        }
        return lines
    }

    func describeBulkItems() -> [String] {
        var lines: [String] = []
        for index in 0..<items.count {
            let id = items[UInt32(index)]
            if hasRecord.contains(index) && !hasPutRecord.contains(index) {
                lines.append("bulk item \(id)")
            }
            if let record = staging.items?[UInt32(index)] {
                lines.append("staged item \(id) \(record)")
            }
        }
        return lines
    }
}

extension Shard.State {
    /// Adds an entry to a history that nobody observes, the oldest going first from a full one.
    func insert(_ entry: HistoryEntry, into slot: inout HistorySlot, max: Int) {
        var index = insertionIndex(slot, rank: entry.packed.rank)
        if Int(slot.count) >= max {
            guard index > 0 else {
                slot.isTruncated = true
                return
            }
            arena.removeFirst(of: &slot)
            index -= 1
        }
        arena.insert(entry, at: index, into: &slot)
    }

    /// Staged histories take the place of all that came in bulk before.
    func switchHistories(max: Int) {
        let staged = self.staged
        self.staged = [:]
        for position in owners.indices {
            let old = owners[position].history
            let new = staged[position]
            guard old.count > 0 || new != nil else { continue }
            var next = new ?? HistorySlot()
            if old.hasPut {
                for index in 0..<Int(old.count) {
                    // A block may move when another grows: look it up each time.
                    let entry = arena.entry(old, index)
                    if !entry.packed.isBulk { insert(entry, into: &next, max: max) }
                }
                if old.isTruncated && Int(next.count) == max { next.isTruncated = true }
            }
            owners[position].history = next
            var emptied = old
            arena.clear(&emptied)
        }
    }
}
