import Engine
import Journal
import Primitives
import Synchronization

/// What all groups' items have been through, kept current with every applied write.
///
/// SAFETY of `@unchecked`: confined to the writer's thread; before that starts, to the thread that
/// recovers.
final class ExposureTable: @unchecked Sendable {
    private let engine: DatasetEngine
    private let lists: ServedLists
    private var exposures: [GroupIndex: ItemExposure] = [:]
    private var touched: Set<GroupIndex> = []
    /// Groups that are gone since `takeDeletedGroups`.
    private var deleted: [GroupIndex] = []
    private var stored: [GroupIndex: [ServedListStore.Showing]] = [:]

    init(engine: DatasetEngine, lists: ServedLists) {
        self.engine = engine
        self.lists = lists
    }

    /// Remembers stored counts until their groups are there.
    func restore(_ showings: [ServedListStore.Showing]) {
        stored = Dictionary(grouping: showings, by: \.group)
    }

    /// A group's items; made from what the engine knows when it is asked for first.
    func exposure(of group: GroupIndex) -> ItemExposure {
        if let known = exposures[group] { return known }
        let made = ItemExposure()
        exposures[group] = made
        if let store = engine.group(group) {
            made.load(store, shown: stored.removeValue(forKey: group) ?? [])
        }
        return made
    }

    /// The records are there: reads what is known of them.
    func recordsRecovered() {
        for (group, exposure) in exposures {
            guard let store = engine.group(group) else { continue }
            exposure.load(store, shown: stored.removeValue(forKey: group) ?? [])
        }
    }

    func takeDeletedGroups() -> [GroupIndex] {
        defer { deleted = [] }
        return deleted
    }

    /// Counts that changed since the last call.
    func takeChangedShowings() -> [ServedListStore.Showing] {
        exposures.sorted { $0.key < $1.key }.flatMap { group, exposure in
            exposure.takeChangedShowings().map { change in
                ServedListStore.Showing(
                    group: group,
                    item: ItemIndex(change.item),
                    count: change.shown,
                    chosen: change.chosen
                )
            }
        }
    }

    // MARK: Following the facts

    /// Follows one change of a group that somebody explores; others are read when they are asked
    /// for first.
    func follow(_ change: AppliedChange) {
        switch change {
        case .observed(let group, let change):
            with(group) { $0.observed(change.window[change.index]) }
        case .retracted(let group, let change):
            with(group) { $0.retracted(change.window[change.index]) }
        case .itemCountGrew(let group, let count):
            with(group) { $0.grow(to: count) }
        case .itemStored(let group, let item, let createdAt):
            with(group) { $0.stored(item, createdAt: createdAt) }
        case .shown(let group, let item, let id, let impression):
            with(group) { showed($0, group, item, id, impression) }
        case .interactionsDeleted(let group):
            if engine.group(group) == nil {
                exposures[group] = nil
                stored[group] = nil
                deleted.append(group)
            } else {
                with(group) { $0.reset() }
            }
        case .itemsReplaced(let group):
            guard let store = engine.group(group) else { return }
            with(group) { $0.recordsReplaced(store.currentRoot) }
        case .interactionsReplaced(let group):
            guard let store = engine.group(group) else { return }
            with(group) { $0.reload(store) }
        case .began, .resourceStored, .resourceDeleted, .recordsErased: break
        }
    }

    /// Lets readers see what a batch changed.
    func publish() {
        for group in touched { exposures[group]?.publish() }
        touched.removeAll(keepingCapacity: true)
    }

    private func with(_ group: GroupIndex, _ body: (ItemExposure) -> Void) {
        guard let exposure = exposures[group] else { return }
        touched.insert(group)
        body(exposure)
    }

    /// What was shown and not chosen was shown in vain.
    ///
    /// An event's own impression wins over the
    /// list that it names; of a list only the first event counts, and later ones take back what
    /// they choose.
    private func showed(
        _ exposure: ItemExposure,
        _ group: GroupIndex,
        _ chosen: ItemIndex?,
        _ id: String,
        _ impression: [String]
    ) {
        if !impression.isEmpty {
            guard let store = engine.group(group) else { return }
            let items = impression.compactMap { item in
                item.withRawSpan { store.item(withID: $0) }
            }
            if let chosen, items.contains(chosen) { exposure.chose(chosen) }
            return exposure.showed(items.filter { $0 != chosen })
        }
        guard let (items, isFirst) = lists.shown(id) else { return }
        if let chosen, items.contains(chosen) { exposure.chose(chosen) }
        if isFirst {
            exposure.showed(items.filter { $0 != chosen })
        } else if let chosen, items.contains(chosen) {
            exposure.showed([chosen], -1)
        }
    }
}
