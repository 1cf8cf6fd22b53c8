package import Primitives
package import Resources

/// What a step of a job makes true; a part of `Effect`.
package enum BulkEffect: Hashable, Sendable {
    case eventsStored(GroupIndex, PlannedEvents)
    /// Bulk records of users or items, by index; in front of them stand those that were put.
    case entitiesStored(GroupIndex, DatasetKind, generation: UInt32, [BulkEntity])
    /// The records that were put for these users or items are gone; those in bulk count.
    case entitiesReplaced(GroupIndex, DatasetKind, [UInt32])
    /// The staged generation `to` is now the dataset's, and what was imported before is gone.
    ///
    /// `reread` holds the events that were put for owners of whose histories only a part is in
    /// memory.
    case switched(GroupIndex, DatasetKind, to: UInt32, reread: [RereadHistory])
    /// What a job staged is gone.
    case dropped(GroupIndex, DatasetKind, generation: UInt32)
    /// How far a job is; `rejected` are the rows since the last time.
    case progressed(ResourceName, JobProgress, rejected: [RejectedRow])
}

/// One user or item of a chunk.
package struct BulkEntity: Hashable, Sendable {
    package var index: UInt32
    package var record: EntityRecord

    package init(index: UInt32, record: EntityRecord) {
        self.index = index
        self.record = record
    }
}

/// The put events of one owner, oldest first.
package struct RereadHistory: Hashable, Sendable {
    package var owner: UserIndex
    package var events: [StoredEvent]

    package init(owner: UserIndex, events: [StoredEvent]) {
        self.owner = owner
        self.events = events
    }
}

/// A step of a job, as its thread asks for it.
package enum JobStep: Sendable {
    /// The job's work begins; a FULL import gets its generation.
    case begin(ResourceName)
    /// Some rows, and how far the job is behind them.
    case chunk(ResourceName, BulkRecords?, JobProgress, rejected: [RejectedRow])
    /// All rows of a FULL import are there: they become the dataset's.
    case activate(ResourceName)
    /// The job is to end early, because somebody asked (no reason) or for a failure's reason; what
    /// it staged is gone at once.
    case stop(ResourceName, reason: String)
    /// The job is over.
    case end(ResourceName, ResourceStatus)
}

extension DatasetEngine {
    func apply(
        _ effect: BulkEffect,
        _ changes: inout [AppliedChange],
        _ touched: inout Set<GroupIndex>
    ) {
        switch effect {
        case .eventsStored(let group, let events):
            let store = store(group)
            let isLive = events.generation == store.bulk[.interactions]?.active
            for event in events.events {
                let entry = store.entry(event, of: events)
                let bytes = events.dataByteCount(event)
                guard isLive else {
                    store.stageEvent(event.owner, entry, bytes: bytes)
                    continue
                }
                let stored = store.storeEvent(event.owner, entry, bytes: bytes)
                if let dropped = stored.dropped { changes.append(.retracted(group, dropped)) }
                if let added = stored.added { changes.append(.observed(group, added)) }
            }
            if isLive { touched.insert(group) }
        case .entitiesStored(let group, let kind, let generation, let entities):
            for item in store(group).storeEntities(kind, generation, entities) {
                let index = ItemIndex(item.index)
                changes.append(.itemStored(group, index, createdAt: item.record.createdAt))
            }
            touched.insert(group)
        case .entitiesReplaced(let group, let kind, let indices):
            store(group).removePutMarks(kind, indices)
        case .switched(let group, let kind, _, let reread):
            store(group).switchBulk(kind, reread)
            touched.insert(group)
            switch kind {
            case .interactions: changes.append(.interactionsReplaced(group))
            case .items: changes.append(.itemsReplaced(group))
            case .users: break
            }
        case .dropped(let group, let kind, _):
            store(group).dropStaged(kind)
        case .progressed(let name, let progress, let rejected):
            jobs.store(name, progress, rejected)
        }
    }

    /// Whether readers see an event: it was put, or came with the newest bulk generation.
    package func isVisible(_ event: StoredEvent, _ group: GroupIndex) -> Bool {
        let store = stored(group)
        if store?.isDead(event) ?? false { return false }
        return event.generation == 0 || store?.bulk[.interactions]?.active == event.generation
    }

    /// The bulk generation that counts, of every dataset.
    package func activeGenerations() -> [GroupIndex: [DatasetKind: UInt32]] {
        var active: [GroupIndex: [DatasetKind: UInt32]] = [:]
        for case .dataset(let dataset) in resources.all(.dataset) {
            guard case .datasetGroup(let group) = resources[dataset.group] else { continue }
            active[group.index, default: [:]][dataset.kind] = dataset.bulk.active
        }
        return active
    }

    /// An event of a FULL import that was under way before a restart.
    ///
    /// Rows of generations that are no more are being deleted.
    func stage(_ group: GroupIndex, _ owner: UserIndex, _ event: StoredEvent) {
        let store = store(group)
        guard store.bulk[.interactions]?.staging == event.generation,
            let entry = store.entry(event)
        else { return }
        store.stageEvent(owner, entry, bytes: event.record.dataByteCount)
    }
}
