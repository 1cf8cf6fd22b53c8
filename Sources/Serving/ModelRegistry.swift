package import Engine
package import Journal
package import Primitives
package import Recipes
package import Resources

/// The models of all solution versions that answer, kept current with every applied write.
///
/// Also the answer to "which model serves this campaign": a fixed version's, the newest ACTIVE
/// version's, or, before there is one, a model of the solution's recipe that has only been
/// observing.
///
/// SAFETY of `@unchecked`: confined to the writer's thread; before that starts, to the thread that
/// recovers.
package final class ModelRegistry: ApplyObserver, @unchecked Sendable {
    /// A model and where it stands.
    private struct Entry {
        let group: GroupIndex
        let model: any TrainedModel
        /// What it learns from; `nil`: all events.
        let selection: EventSelection?
        /// Everything at or below it is in the model.
        var position: LogPosition
    }

    /// What was applied since a training began.
    private struct Recording {
        let group: GroupIndex
        var changes: [AppliedChange] = []
        var hasOverflowed = false
    }

    package let table = ServingTable()
    /// On the writer's thread.
    var models: [any TrainedModel] { entries.values.map(\.model) }
    package let servedLists: ServedLists
    private let exposures: ExposureTable
    private let engine: DatasetEngine
    /// By the version's name, or a solution's for the model that only observes.
    private var entries: [ResourceName: Entry] = [:]
    private var recordings: [ResourceName: Recording] = [:]
    private var current = LogPosition.zero
    private let items: ItemDescriber
    /// Told of deletions in a group.
    package var onErasure: (@Sendable (GroupIndex) -> Void)?

    /// With what was served, for events that name it, and how often items were shown in vain, as it
    /// was stored.
    package init(
        engine: DatasetEngine,
        servedLists: ServedLists = ServedLists(),
        showings: [ServedListStore.Showing] = []
    ) {
        self.engine = engine
        self.servedLists = servedLists
        items = ItemDescriber(engine: engine)
        exposures = ExposureTable(engine: engine, lists: servedLists)
        exposures.restore(showings)
    }

    /// How often items were shown in vain, where that changed since the last call.
    func takeChangedShowings() -> [ServedListStore.Showing] { exposures.takeChangedShowings() }

    /// Groups that are gone since the last call.
    func takeDeletedGroups() -> [GroupIndex] { exposures.takeDeletedGroups() }

    // MARK: Recovery

    /// Loads the artifacts and says from which position on the models must be told of events.
    ///
    /// A version whose artifact is missing or can't be read is passed to `unreadable`.
    package func restore(
        _ journal: Journal,
        unreadable: (ResourceName, String) -> Void
    ) -> LogPosition {
        for case .solutionVersion(let version) in engine.resources.all(.solutionVersion)
        where version.header.status == .active {
            let name = Resource.solutionVersion(version).resourceName
            guard let (group, entry) = recipe(of: version.solution) else { continue }
            do {
                guard let artifact = try journal.artifacts.artifact(name) else {
                    unreadable(name, "its artifact is missing")
                    continue
                }
                let deletion = try journal.interactionsDeleted(group) ?? .zero
                if artifact.position < deletion {
                    entries[name] = Entry(
                        group: group,
                        model: entry.recipe.emptyModel(),
                        selection: selection(of: version.solution, group),
                        position: deletion
                    )
                    continue
                }
                let model = try entry.recipe.decode(artifact.bytes)
                entries[name] = Entry(
                    group: group,
                    model: model,
                    selection: selection(of: version.solution, group),
                    position: artifact.position
                )
            } catch {
                unreadable(name, "\(error)")
            }
        }
        rebuildTable()
        return entries.values.map(\.position).min() ?? LogPosition(.max)
    }

    /// The position that every artifact has seen; where there is none, that of now.
    package var oldestArtifact: LogPosition {
        entries.values.map(\.position).filter { $0 > .zero }.min() ?? engine.position
    }

    /// The same for one group's.
    private func oldestArtifact(of group: GroupIndex) -> LogPosition {
        entries.values.filter { $0.group == group }.map(\.position).filter { $0 > .zero }.min()
            ?? engine.position
    }

    /// All items are there: tells every model how many items there are.
    package func recordsRecovered() {
        exposures.recordsRecovered()
        for entry in entries.values {
            if let store = engine.group(entry.group) {
                entry.model.live.itemCountGrew(to: store.currentRoot.itemCount)
                entry.selection?.learn(store)
            }
        }
        for (name, entry) in entries { items.describeAll(name, entry.model, entry.group) }
    }

    // MARK: Following the facts

    /// A version that becomes ACTIVE answers for `$LATEST` before anybody can read that it is.
    package func willApply(_ batch: [Effects]) {
        var upcoming: [ResourceName: ResourceName] = [:]
        for effects in batch {
            for case .resourceStored(let name, .solutionVersion(let version)) in effects.effects
            where version.header.status == .active {
                let newest = engine.latestVersion(of: version.solution)?.header.createdAt
                if newest.map({ $0 <= version.header.createdAt }) ?? true {
                    upcoming[version.solution] = name
                }
            }
        }
        if !upcoming.isEmpty { rebuildTable(upcoming) }
    }

    package func applied(_ changes: [AppliedChange]) {
        var isTableStale = false
        for change in changes {
            switch change {
            case .began(let position): current = position
            case .resourceStored(_, let resource):
                isTableStale = isTableStale || Self.concernsTable(resource.kind)
                items.stored(resource.kind)
            case .resourceDeleted(let name):
                entries[name] = nil
                isTableStale = true
            case .observed(let group, let change):
                forEachModel(of: group) { name, entry in
                    items.tell(change, isNew: true, name, entry.model, group, entry.selection)
                }
            case .retracted(let group, let change):
                forEachModel(of: group) { name, entry in
                    items.tell(change, isNew: false, name, entry.model, group, entry.selection)
                }
            case .itemCountGrew(let group, let count):
                forEachModel(of: group) { $1.model.live.itemCountGrew(to: count) }
            case .interactionsDeleted(let group):
                forget(group)
                isTableStale = true
            // The job behind it trains the group's models anew, or calls `describe`.
            case .interactionsReplaced, .itemsReplaced: break
            case .recordsErased(let group): onErasure?(group)
            case .itemStored(let group, let item, _):
                describe(CollectionOfOne(item), of: group)
            case .shown: break
            }
            exposures.follow(change)
            record(change)
        }
        exposures.publish()
        if isTableStale { rebuildTable() }
    }

    /// Tells every model of a group what the records of items say now; on the writer's thread.
    package func describe(_ changed: some Sequence<ItemIndex>, of group: GroupIndex) {
        for (name, entry) in entries where entry.group == group {
            items.describe(changed, name, entry.model, group)
        }
    }

    private func forEachModel(of group: GroupIndex, _ body: (ResourceName, Entry) -> Void) {
        for (name, entry) in entries where entry.group == group && entry.position < current {
            body(name, entry)
        }
    }

    private func selection(of solution: ResourceName, _ group: GroupIndex) -> EventSelection? {
        guard case .solution(let resource) = engine.resources[solution] else { return nil }
        return EventSelection(resource.config, engine.group(group))
    }

    /// The interactions of a group are gone: its models begin anew.
    private func forget(_ group: GroupIndex) {
        for (name, entry) in entries where entry.group == group {
            let solution = name.text.contains("/versions/") ? name.parent : name
            guard let solution, let (_, recipe) = recipe(of: solution) else {
                entries[name] = nil
                continue
            }
            let model = recipe.recipe.emptyModel()
            model.live.itemCountGrew(to: engine.group(group)?.currentRoot.itemCount ?? 0)
            entries[name] = Entry(
                group: group,
                model: model,
                selection: selection(of: solution, group),
                position: current
            )
            items.describeAll(name, model, group)
        }
    }

    private static func concernsTable(_ kind: ResourceKind) -> Bool {
        switch kind {
        case .campaign, .solution, .solutionVersion, .schema, .dataset: true
        case .datasetGroup, .eventTracker, .recipe, .datasetImportJob,
            .datasetExportJob, .dataDeletionJob, .filter:
            false
        }
    }

    // MARK: Training

    /// Begins to keep what is applied to a group, for the model that is being trained.
    package func beginRecording(for version: ResourceName, of group: GroupIndex) {
        recordings[version] = Recording(group: group)
    }

    /// Brings a freshly trained model up to date and keeps it current from here on.
    ///
    /// `isDescribed`: the training has told it of the items' records, up to those that are
    /// recorded. It follows the events that `config` selects; without one, the solution's.
    ///
    /// - Returns: False when too much was written meanwhile: train again.
    package func adopt(
        _ model: any TrainedModel,
        as version: ResourceName,
        isDescribed: Bool = false,
        config: SolutionConfig? = nil
    ) -> Bool {
        guard let recording = recordings.removeValue(forKey: version), !recording.hasOverflowed
        else { return false }
        let store = engine.group(recording.group)
        let solution = version.text.contains("/versions/") ? version.parent : version
        let selection =
            config.map { EventSelection($0, store) }
            ?? solution.flatMap { self.selection(of: $0, recording.group) }
        for change in recording.changes {
            switch change {
            case .observed(let group, let change):
                items.tell(change, isNew: true, version, model, group, selection)
            case .retracted(let group, let change):
                items.tell(change, isNew: false, version, model, group, selection)
            case .itemCountGrew(_, let count): model.live.itemCountGrew(to: count)
            case .itemStored(let group, let item, _):
                if isDescribed { items.describe(CollectionOfOne(item), version, model, group) }
            case .itemsReplaced(let group):
                if isDescribed { items.describeAll(version, model, group) }
            case .began, .resourceStored, .resourceDeleted, .interactionsDeleted,
                .interactionsReplaced, .shown, .recordsErased:
                break
            }
        }
        let count = engine.group(recording.group)?.currentRoot.itemCount ?? 0
        model.live.itemCountGrew(to: count)
        if !isDescribed { items.describeAll(version, model, recording.group) }
        entries[version] = Entry(
            group: recording.group,
            model: model,
            selection: selection,
            position: engine.position
        )
        // A campaign may answer with the model that had this name before.
        rebuildTable()
        return true
    }

    /// A copy of the newest version's model of a solution as it is now, and which version that is.
    ///
    /// On the writer's thread.
    package func copyOfLatest(
        of solution: ResourceName
    ) throws(RecipeError) -> (model: any TrainedModel, version: SolutionVersion)? {
        guard let latest = engine.latestVersion(of: solution),
            let entry = entries[Resource.solutionVersion(latest).resourceName],
            let (_, recipe) = recipe(of: solution)
        else { return nil }
        let bytes = ByteWriter()
        entry.model.encode(into: bytes)
        let artifact = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
        return (try recipe.recipe.decode(artifact), latest)
    }

    /// Writes the artifacts of a group's versions anew, so that they hold nothing that was deleted,
    /// and forgets what was kept for older ones.
    ///
    /// On the writer's thread.
    package func rewriteArtifacts(
        of group: GroupIndex,
        _ journal: Journal
    ) throws(Refusal) {
        for (name, entry) in entries where entry.group == group {
            items.describeAll(name, entry.model, group)
            guard name.text.contains("/versions/") else { continue }
            let bytes = ByteWriter()
            entry.model.encode(into: bytes)
            let artifact = ArtifactStore.Artifact(
                position: engine.position,
                bytes: unsafe bytes.withUnsafeBytes { unsafe Array($0) }
            )
            try journal.artifacts.store(name, artifact)
            entries[name]?.position = artifact.position
        }
        try journal.forgetRewrites(of: group, through: oldestArtifact(of: group))
    }

    /// What a training reads of the items' records; on the writer's thread.
    package func itemRecords(of solution: ResourceName, _ group: GroupIndex) -> ItemRecords? {
        items.records(of: solution, group)
    }

    package func endRecording(for version: ResourceName) {
        recordings[version] = nil
    }

    /// A model that answers, as a training needs to know it.
    package struct Model: Sendable {
        /// A version's name, or a solution's for a model that has only observed.
        package let name: ResourceName
        package let recipe: any Recipe
        /// The events that it learns from; `nil` for all.
        package let selection: EventSelection?
        /// It is stored.
        package let hasArtifact: Bool
    }

    /// The models of a group, in order of their names.
    package func models(of group: GroupIndex) -> [Model] {
        entries.keys.sorted { $0.text < $1.text }.compactMap { name in
            guard entries[name]?.group == group else { return nil }
            let isVersion = name.text.contains("/versions/")
            guard let solution = isVersion ? name.parent : name,
                case .solution(let resource) = engine.resources[solution],
                let recipe = RecipeCatalog.recipe(
                    resource.recipe.label,
                    parameters: resource.config.parameters
                )
            else { return nil }
            return Model(
                name: name,
                recipe: recipe,
                selection: EventSelection(resource.config, nil),
                hasArtifact: isVersion
            )
        }
    }

    private func record(_ change: AppliedChange) {
        guard !recordings.isEmpty else { return }
        let group: GroupIndex
        switch change {
        case .observed(let index, _), .retracted(let index, _), .itemCountGrew(let index, _),
            .itemStored(let index, _, _), .itemsReplaced(let index):
            group = index
        case .interactionsDeleted(let index), .interactionsReplaced(let index):
            for (name, recording) in recordings where recording.group == index {
                recordings[name]?.hasOverflowed = true
            }
            return
        case .began, .resourceStored, .resourceDeleted, .shown, .recordsErased: return
        }
        for (name, recording) in recordings where recording.group == group {
            if recording.changes.count >= Limits.recordedChangesMax {
                recordings[name]?.hasOverflowed = true
                recordings[name]?.changes = []
            } else if !recording.hasOverflowed {
                recordings[name]?.changes.append(change)
            }
        }
    }

    // MARK: Campaigns

    /// - Parameter upcoming: By solution, the version that is about to be its latest.
    private func rebuildTable(_ upcoming: [ResourceName: ResourceName] = [:]) {
        var runtimes: [String: CampaignRuntime] = [:]
        var used: Set<ResourceName> = []
        for case .campaign(let campaign) in engine.resources.all(.campaign)
        where campaign.header.status == .active {
            guard let solution = campaign.solutionVersion.parent,
                let (group, recipe) = recipe(of: solution)
            else { continue }
            let name = Resource.campaign(campaign).resourceName
            let version = versionName(campaign, solution, upcoming[solution])
            used.insert(version)
            let model = model(version, group, recipe)
            let records = items.records(of: solution, group)
            runtimes[name.text] = CampaignRuntime(
                campaign: name,
                group: group,
                kind: recipe.kind,
                model: model,
                version: version,
                exploration: exploration(campaign, recipe.kind),
                exposure: exposures.exposure(of: group),
                selection: entries[version]?.selection,
                userTokenizer: model.userTokensBelow > 0 ? records?.userTokenizer : nil,
                contextReader: model.live.readsContext ? records?.contextReader : nil
            )
        }
        // A model that only observed is not needed once no campaign uses it.
        for name in entries.keys where !name.text.contains("/versions/") && !used.contains(name) {
            entries[name] = nil
        }
        table.publish(runtimes)
    }

    /// The entry that serves a campaign: its version, or its solution where there is none yet.
    private func versionName(
        _ campaign: Campaign,
        _ solution: ResourceName,
        _ upcoming: ResourceName?
    ) -> ResourceName {
        guard campaign.solutionVersion.label == ResourceName.latestLabel else {
            return campaign.solutionVersion
        }
        let latest = engine.latestVersion(of: solution)
        guard let name = upcoming ?? latest.map({ Resource.solutionVersion($0).resourceName })
        else { return solution }
        return entries[name] == nil ? solution : name
    }

    /// What a campaign explores; `nil` where its recipe does not.
    private func exploration(
        _ campaign: Campaign,
        _ kind: RecipeCatalog.Kind
    ) -> ExplorationSettings? {
        switch kind {
        case .userPersonalization: ExplorationSettings(campaign.explorationConfig)
        case .popularItems, .personalizedRanking, .relatedItems: nil
        }
    }

    private func model(
        _ name: ResourceName,
        _ group: GroupIndex,
        _ recipe: RecipeCatalog.Entry
    ) -> any TrainedModel {
        if let entry = entries[name] { return entry.model }
        let model = recipe.recipe.emptyModel()
        model.live.itemCountGrew(to: engine.group(group)?.currentRoot.itemCount ?? 0)
        let solution = name.text.contains("/versions/") ? name.parent : name
        entries[name] = Entry(
            group: group,
            model: model,
            selection: solution.flatMap { selection(of: $0, group) },
            position: .zero
        )
        items.describeAll(name, model, group)
        return model
    }

    private func recipe(of solution: ResourceName) -> (GroupIndex, RecipeCatalog.Entry)? {
        guard case .solution(let resource) = engine.resources[solution],
            case .datasetGroup(let group) = engine.resources[resource.group],
            let entry = RecipeCatalog.entry(resource.recipe.label),
            let recipe = RecipeCatalog.recipe(
                resource.recipe.label,
                parameters: resource.config.parameters
            )
        else { return nil }
        return (
            group.index,
            RecipeCatalog.Entry(recipe: recipe, kind: entry.kind, description: entry.description)
        )
    }
}
