package import Primitives
package import Resources
package import Synchronization

/// All datasets and resources in memory, and the one `apply`.
///
/// A pure function of the effects that it was given: it does no I/O and reads no clock. One thread
/// plans and applies; any thread reads through `consistently`.
package final class DatasetEngine: Sendable {
    package let resources = ResourceTable()
    /// What is allowed of new filters.
    package let filterQuotas: FilterQuotas
    /// What a group may grow to.
    package let groupQuotas: GroupQuotas
    private let numberIndexing: NumberIndexing
    package let jobs = JobTable()
    let hash: StableHash
    /// Two words that nobody outside knows.
    var secret: (UInt64, UInt64) { (hash.hash("secret 1"), hash.hash("secret 2")) }
    private let historyLengthMax: Int
    private let groups = Mutex<[GroupIndex: GroupStore]>([:])
    private let groupsByName = Mutex<[String: GroupStore]>([:])
    private let trackers = Mutex<[String: ResourceName]>([:])

    /// Odd while a batch is being applied; spans shards, roots and resources.
    @usableFromInline let applySequence = Atomic<UInt64>(0)
    @usableFromInline let applyLock = Mutex<Void>(())
    private let applied = Atomic<UInt64>(0)
    /// SAFETY of the box: touched by the writer's thread only.
    let writer = WriterState()

    /// - Parameters:
    ///   - hash: Keyed by the data directory; shards owners.
    ///   - historyLengthMax: Entries of one history that are kept.
    ///   - filterQuotas: What is allowed of new filters.
    ///   - groupQuotas: What a group may grow to.
    ///   - numberIndexing: Who makes the indexes of numbers that filters ask for.
    package init(
        hash: StableHash,
        historyLengthMax: Int = Limits.historyLengthMax,
        filterQuotas: FilterQuotas = FilterQuotas(),
        groupQuotas: GroupQuotas = GroupQuotas(),
        numberIndexing: NumberIndexing = .inRequests
    ) {
        precondition((1...Limits.historyLengthMax).contains(historyLengthMax))
        self.hash = hash
        self.historyLengthMax = historyLengthMax
        self.filterQuotas = filterQuotas
        self.groupQuotas = groupQuotas
        self.numberIndexing = numberIndexing
    }

    /// Everything at or below this position is visible.
    package var position: LogPosition { LogPosition(applied.load(ordering: .acquiring)) }

    // MARK: Reading

    /// Runs `body` so that all it reads is of one state; `body` may run up to four times.
    @inlinable
    package func consistently<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        for _ in 0..<3 {
            let before = applySequence.load(ordering: .acquiring)
            guard before & 1 == 0 else { continue }
            let result = try body()
            atomicMemoryFence(ordering: .acquiring)
            if applySequence.load(ordering: .relaxed) == before { return result }
        }
        // A writer is always in the way: wait for it.
        var result: Result<R, E>?
        applyLock.withLock { _ in
            do throws(E) { result = .success(try body()) } catch { result = .failure(error) }
        }
        guard let result else { preconditionFailure("withLock did not run its body") }
        return try result.get()
    }

    package func group(named name: ResourceName) -> GroupStore? {
        groupsByName.withLock { $0[name.text] }
    }

    package func group(_ index: GroupIndex) -> GroupStore? {
        groups.withLock { $0[index] }
    }

    /// The tracker with this tracking id.
    package func tracker(withID trackingID: String) -> EventTracker? {
        guard let name = trackers.withLock({ $0[trackingID] }),
            case .eventTracker(let tracker) = resources[name]
        else { return nil }
        return tracker
    }

    /// The schema of one kind of a group's records; `nil` without such a dataset.
    package func schema(of group: ResourceName, _ kind: DatasetKind) -> Schema? {
        guard case .dataset(let dataset) = resources[group.child("datasets", kind.collectionLabel)],
            case .schema(let schema) = resources[dataset.schema]
        else { return nil }
        return dataset.arranged(schema)
    }

    /// The newest ACTIVE version of a solution.
    package func latestVersion(of solution: ResourceName) -> SolutionVersion? {
        var latest: SolutionVersion?
        for case .solutionVersion(let version) in resources.all(.solutionVersion, below: solution)
        where version.header.status == .active {
            if latest.map({ $0.header.createdAt <= version.header.createdAt }) ?? true {
                latest = version
            }
        }
        return latest
    }

    // MARK: Applying

    /// Makes durable effects visible; the same for a live batch, for recovery and for a replica.
    package func apply(_ batch: [Effects]) -> [AppliedChange] {
        var changes: [AppliedChange] = []
        applyLock.withLock { _ in
            applySequence.add(1, ordering: .sequentiallyConsistent)
            var touched: Set<GroupIndex> = []
            for effects in batch {
                changes.append(.began(effects.position))
                for effect in effects.effects {
                    apply(effect, &changes, &touched)
                }
                if effects.position > LogPosition(applied.load(ordering: .relaxed)) {
                    applied.store(effects.position.rawValue, ordering: .releasing)
                }
            }
            for index in touched { group(index)?.publishRoot() }
            applySequence.add(1, ordering: .sequentiallyConsistent)
        }
        return changes
    }

    private func apply(
        _ effect: Effect,
        _ changes: inout [AppliedChange],
        _ touched: inout Set<GroupIndex>
    ) {
        switch effect {
        case .resourceStored(let name, let resource):
            store(name, resource, &touched)
            changes.append(.resourceStored(name, resource))
        case .resourceDeleted(let name):
            delete(name)
            changes.append(.resourceDeleted(name))
        case .itemNamed(let group, let item, let id):
            store(group).nameItem(item, id)
            touched.insert(group)
            changes.append(.itemCountGrew(group, Int(item.rawValue) + 1))
        case .ownerNamed(let group, let owner, let kind, let id):
            store(group).nameOwner(owner, kind, id)
        case .eventTypeNamed(let group, let type, let name):
            store(group).nameEventType(type, name)
        case .itemStored(let group, let item, let record):
            store(group).storeItem(item, record)
            touched.insert(group)
            changes.append(.itemStored(group, item, createdAt: record.createdAt))
        case .userStored(let group, let user, let record):
            store(group).storeUser(user, record)
        case .eventStored(let group, let owner, let event):
            storeEvent(group, owner, event, &changes)
            touched.insert(group)
            let record = event.record
            if !record.recommendationID.isEmpty || !record.impression.isEmpty {
                changes.append(
                    .shown(
                        group,
                        event.item,
                        recommendationID: record.recommendationID,
                        impression: record.impression
                    )
                )
            }
        case .eventsRestored(let group, let owner, let events):
            store(group).restore(owner, events)
            touched.insert(group)
        case .sessionJoined(let group, let session, let user):
            store(group).joinSession(session, to: user)
        case .historyJoined(let group, let session, let user, let merged):
            let store = store(group)
            for owner in [session, user] {
                changes += store.clearHistory(owner).map { .retracted(group, $0) }
            }
            // What is staged stands apart, and no session has any of it.
            for event in merged where isVisible(event, group) {
                storeEvent(group, user, event, &changes, isCounted: true)
            }
            store.joinSession(session, to: user)
        case .recordsDeleted(let group, let kind):
            deleteRecords(group, kind, &changes)
            touched.insert(group)
        case .requestRemembered(let id, let bodyHash, let names, let time):
            writer.remember(id, .init(bodyHash: bodyHash, names: names, at: time))
        case .requestForgotten(let id):
            writer.forget(id)
        case .merged(let effect):
            apply(effect, &changes, &touched)
        case .erased(let effect):
            apply(effect, &changes, &touched)
        case .batchRemembered(let key, let answer):
            writer.producers.remember(key, answer)
        case .batchForgotten(let key, let batchID):
            writer.producers.forget(key, batchID)
        case .producerForgotten(let key):
            writer.producers.forget(key)
        case .bulk(let effect):
            apply(effect, &changes, &touched)
        }
    }

    func storeEvent(
        _ group: GroupIndex,
        _ owner: UserIndex,
        _ event: StoredEvent,
        _ changes: inout [AppliedChange],
        isCounted: Bool = false
    ) {
        guard isVisible(event, group) else { return stage(group, owner, event) }
        let stored = store(group).storeEvent(owner, event, isCounted: isCounted)
        if let dropped = stored.dropped { changes.append(.retracted(group, dropped)) }
        if let added = stored.added { changes.append(.observed(group, added)) }
    }

    /// The same as `group` on the writer's thread, which asks for one group again and again.
    func stored(_ index: GroupIndex) -> GroupStore? {
        if let store = writer.lastStore, store.index == index { return store }
        writer.lastStore = group(index)
        return writer.lastStore
    }

    func store(_ index: GroupIndex) -> GroupStore {
        if let store = stored(index) { return store }
        let store = GroupStore(
            index: index,
            hash: hash,
            historyLengthMax: historyLengthMax,
            numberIndexing: numberIndexing
        )
        groups.withLock { $0[index] = store }
        return store
    }

    private func remove(_ index: GroupIndex) {
        groups.withLock { _ = $0.removeValue(forKey: index) }
        writer.lastStore = nil
    }

    private func store(
        _ name: ResourceName,
        _ resource: Resource,
        _ touched: inout Set<GroupIndex>
    ) {
        resources.store(name, resource)
        switch resource {
        case .datasetGroup(let group):
            let store = store(group.index)
            store.servesUnknownItems = group.servesUnknownItems
            groupsByName.withLock { $0[name.text] = store }
            writer.groupCount = max(writer.groupCount, group.index.rawValue + 1)
            touched.insert(group.index)
        case .dataset(let dataset):
            if case .datasetGroup(let group) = resources[dataset.group] {
                store(group.index).bulk[dataset.kind] = dataset.bulk
            }
            follow(dataset, &touched)
        case .eventTracker(let tracker):
            trackers.withLock { $0[tracker.trackingID] = name }
        case .schema:
            for case .dataset(let dataset) in resources.all(.dataset) where dataset.schema == name {
                follow(dataset, &touched)
            }
        default:
            break
        }
    }

    /// The group's columns are those of the dataset's schema from now on.
    private func follow(_ dataset: Dataset, _ touched: inout Set<GroupIndex>) {
        guard case .schema(let schema) = resources[dataset.schema],
            case .datasetGroup(let group) = resources[dataset.group]
        else { return }
        store(group.index).follow(dataset.arranged(schema))
        touched.insert(group.index)
    }

    private func delete(_ name: ResourceName) {
        if case .eventTracker(let tracker) = resources[name] {
            trackers.withLock { _ = $0.removeValue(forKey: tracker.trackingID) }
        }
        if case .datasetGroup(let group) = resources[name] {
            groupsByName.withLock { _ = $0.removeValue(forKey: name.text) }
            remove(group.index)
        }
        if case .job = resources[name] { jobs.remove(name) }
        resources.remove(name)
    }

    private func deleteRecords(
        _ index: GroupIndex,
        _ kind: DatasetKind?,
        _ changes: inout [AppliedChange]
    ) {
        guard let store = group(index) else { return }
        switch kind {
        case .interactions:
            store.deleteInteractions()
            changes.append(.interactionsDeleted(index))
        case .items: store.deleteItemRecords()
        case .users: store.deleteUserRecords()
        case nil:
            writer.producers.forget(index)
            remove(index)
            changes.append(.interactionsDeleted(index))
        }
    }
}

/// What only the planning and applying thread knows.
///
/// SAFETY of `@unchecked`: that one thread touches it.
final class WriterState: @unchecked Sendable {
    struct Request {
        var bodyHash: UInt64
        var names: [ResourceName]
        var at: Timestamp
    }

    var groupCount: UInt32 = 0
    /// The dataset that planning found last, and the version of the resources that it was in.
    var checkedDataset: (group: ResourceName, kind: DatasetKind, version: UInt64)?
    /// The group that was asked for last.
    var lastStore: GroupStore?
    var producers = ProducerTable()
    private(set) var requests: [String: Request] = [:]
    /// The ids of `requests`, oldest first.
    private var requestsByAge: [(at: Timestamp, id: String)] = []

    func remember(_ id: String, _ request: Request) {
        forget(id)
        requests[id] = request
        // Mostly the newest; the rows of a restart come in any order.
        let place = requestsByAge.lastIndex { $0.at <= request.at }.map { $0 + 1 } ?? 0
        requestsByAge.insert((request.at, id), at: place)
    }

    func forget(_ id: String) {
        guard requests.removeValue(forKey: id) != nil else { return }
        requestsByAge.removeAll { $0.id == id }
    }

    /// The oldest ids that are too old at `now`, or beyond the bound; a few at a time.
    func forgettableRequests(now: Timestamp) -> [String] {
        requestsByAge.prefix(8).enumerated().filter { place, request in
            requests.count - place >= Limits.requestsRememberedMax
                || now.milliseconds - request.at.milliseconds >= Limits.requestMemoryMS
        }.map(\.element.id)
    }
}
