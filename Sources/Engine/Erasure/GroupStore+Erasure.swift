package import Primitives
import Resources
import Synchronization

/// Deletions of single records, on the writer's thread.
extension GroupStore {
    /// Whether an event is on an item that was deleted after it.
    func isDead(_ event: StoredEvent) -> Bool {
        guard !itemDeletions.isEmpty, let item = event.item else { return false }
        return itemDeletions[item].map { event.position <= $0 } ?? false
    }

    /// The sessions that each of some users joined last.
    ///
    /// O(owners).
    func sessions(of users: Set<UserIndex>) -> [UserIndex: [UserIndex]] {
        var found: [UserIndex: [UserIndex]] = [:]
        for shard in shards {
            shard.state.withLock { state in
                for owner in state.owners where !owner.isErased {
                    guard let user = owner.joinedUser, users.contains(user) else { continue }
                    found[user, default: []].append(owner.index)
                }
            }
        }
        return found.mapValues { $0.sorted() }
    }

    func erase(_ owner: UserIndex, _ events: ErasedEvents) -> [HistoryChange] {
        let changes = clearHistory(owner)
        withOwner(owner) { state, slot in
            setRecord(state, slot, nil)
            state.erase(slot)
        }
        staging.users?[owner.rawValue] = nil
        itemless -= events.itemless
        for (item, tally) in events.put { subtractPut(tally, Int(item.rawValue)) }
        for (item, tally) in events.bulk { subtractBulk(tally, Int(item.rawValue)) }
        for (item, tally) in events.staged
        where staging.counts.subtract(tally, Int(item.rawValue)) {
            staging.events?.remove(Int(item.rawValue))
        }
        return changes
    }

    /// Takes one event out of its owner's history.
    func erase(_ event: StoredEvent, of owner: UserIndex) -> [HistoryChange] {
        let tally = Tally(count: 1, byteCount: event.record.dataByteCount)
        guard let entry = entry(event) else {
            if event.item == nil { itemless -= tally }
            return []
        }
        let item = Int(entry.packed.item)
        if entry.packed.isBulk { subtractBulk(tally, item) } else { subtractPut(tally, item) }
        return withOwner(owner) { state, slot in
            let rank = entry.packed.rank
            var index = state.insertionIndex(state.owners[slot].history, rank: rank)
            while index > 0 {
                index -= 1
                let other = state.arena.entry(state.owners[slot].history, index)
                guard other.packed.rank == rank else { return [] }
                guard other.says(entry) else { continue }
                let change = state.change(slot, at: index)
                state.arena.remove(at: index, of: &state.owners[slot].history)
                return [change]
            }
            return []
        }
    }

    /// Forgets an item's record, and takes its events out of every history.
    ///
    /// O(all interactions).
    func erase(_ item: ItemIndex, through position: LogPosition) -> [HistoryChange] {
        let index = Int(item.rawValue)
        itemDeletions[item] = position
        setRecord(item, nil)
        hasRecord.remove(index)
        hasPutRecord.remove(index)
        hasEvents.remove(index)
        hasPutEvents.remove(index)
        putCounts.clear(index)
        bulkCounts.clear(index)
        staging.counts.clear(index)
        staging.events?.remove(index)
        staging.items?[item.rawValue] = nil
        isRootStale = true
        var changes: [HistoryChange] = []
        for shard in shards {
            shard.state.withLock { state in
                for slot in state.owners.indices { state.erase(item, slot, &changes) }
            }
        }
        return changes
    }

    /// Makes `events` the history of an owner; what counts them knows of them.
    func reread(_ owner: UserIndex, _ events: [StoredEvent]) -> [StoredChange] {
        var changes = clearHistory(owner).map { StoredChange(dropped: $0) }
        for event in events { changes.append(storeEvent(owner, event, isCounted: true)) }
        return changes
    }

    private func subtractPut(_ tally: Tally, _ item: Int) {
        guard putCounts.subtract(tally, item) else { return }
        hasPutEvents.remove(item)
        if bulkCounts.isEmpty(item) { removeEventsMark(item) }
    }

    private func subtractBulk(_ tally: Tally, _ item: Int) {
        guard bulkCounts.subtract(tally, item), putCounts.isEmpty(item) else { return }
        removeEventsMark(item)
    }

    private func removeEventsMark(_ item: Int) {
        hasEvents.remove(item)
        isRootStale = true
    }
}

extension Shard.State {
    /// Takes the events on an item out of an owner's histories, newest first.
    fileprivate func erase(_ item: ItemIndex, _ slot: Int, _ changes: inout [HistoryChange]) {
        var index = Int(owners[slot].history.count)
        while index > 0 {
            index -= 1
            if unsafe arena.entries(owners[slot].history)[index].item == item.rawValue {
                changes.append(change(slot, at: index))
                arena.remove(at: index, of: &owners[slot].history)
            }
        }
        guard var history = staged[slot] else { return }
        index = Int(history.count)
        while index > 0 {
            index -= 1
            if unsafe arena.entries(history)[index].item == item.rawValue {
                arena.remove(at: index, of: &history)
            }
        }
        staged[slot] = history
    }
}

extension DatasetEngine {
    /// What is known of an owner's events, as far as they count now.
    ///
    /// On the writer's thread, or on the one that recovers.
    package func counted(_ events: [StoredEvent], _ group: GroupIndex) -> ErasedEvents {
        guard let store = stored(group) else { return ErasedEvents() }
        let bulk = store.bulk[.interactions]
        var erased = ErasedEvents()
        erased.all = events
        for event in events {
            if !event.record.eventID.isEmpty { erased.eventIDs.append(event.record.eventID) }
            if store.isDead(event) { continue }
            let bytes = event.record.dataByteCount
            guard let item = event.item else {
                erased.itemless.add(bytes)
                continue
            }
            switch event.generation {
            case 0: erased.put[item, default: Tally()].add(bytes)
            case bulk?.active: erased.bulk[item, default: Tally()].add(bytes)
            case bulk?.staging: erased.staged[item, default: Tally()].add(bytes)
            default: break
            }
        }
        return erased
    }

    /// Owners of whose histories only a part is in memory.
    package func truncatedOwners(_ group: GroupIndex) -> [UserIndex] {
        stored(group)?.truncatedOwners() ?? []
    }

    func apply(
        _ effect: ErasureEffect,
        _ changes: inout [AppliedChange],
        _ touched: inout Set<GroupIndex>
    ) {
        switch effect {
        case .owner(let group, let owner, let events):
            changes += store(group).erase(owner, events).map { .retracted(group, $0) }
            touched.insert(group)
        case .event(let group, let owner, let event):
            guard isVisible(event, group) else { return }
            changes += store(group).erase(event, of: owner).map { .retracted(group, $0) }
            touched.insert(group)
        case .item(let group, let item, let position, _, _):
            changes += store(group).erase(item, through: position).map { .retracted(group, $0) }
            touched.insert(group)
        case .historyReread(let group, let owner, let events):
            for change in store(group).reread(owner, events) {
                if let dropped = change.dropped { changes.append(.retracted(group, dropped)) }
                if let added = change.added { changes.append(.observed(group, added)) }
            }
        case .recorded(let group, let record):
            let store = store(group)
            store.lastErasure = max(store.lastErasure, record.position)
            store.erasureCount += 1
            changes.append(.recordsErased(group))
        }
    }
}

extension HistoryEntry {
    /// Whether both are of the same item and type, with the same value and properties.
    fileprivate func says(_ other: HistoryEntry) -> Bool {
        packed.item == other.packed.item && packed.type == other.packed.type
            && value.bitPattern == other.value.bitPattern && properties == other.properties
    }
}
