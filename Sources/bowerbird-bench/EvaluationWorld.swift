import Engine
import Primitives
import Recipes
import Resources
import Serving

/// The real engine, registry and pipeline around one dataset, without a journal.
///
/// Two registries follow the same engine: one is told of every event, the other of nothing after
/// the training.
final class EvaluationWorld {
    static let group = ResourceName.datasetGroup("bench")
    private static let index = GroupIndex(0)
    private static let trainBatch = 10_000

    private let data: CanonicalData
    let engine = DatasetEngine(hash: StableHash(key: (1, 2)))
    private let online: ModelRegistry
    private let trainedOnce: ModelRegistry
    private var position: UInt64 = 0
    private var namedUsers = 0
    private var namedItems = 0
    private var namedTypes = 0
    /// By user, for the training.
    private var histories: [[Interaction]] = []

    init(_ data: CanonicalData) {
        self.data = data
        online = ModelRegistry(engine: engine)
        trainedOnce = ModelRegistry(engine: engine)
        apply(
            [
                .resourceStored(
                    Self.group,
                    .datasetGroup(
                        DatasetGroup(header: Self.header("bench"), index: Self.index)
                    )
                )
            ],
            isTraining: true
        )
        apply(itemRecords(), isTraining: true)
        for start in stride(from: 0, to: data.train.count, by: Self.trainBatch) {
            let events = data.train[start..<min(start + Self.trainBatch, data.train.count)]
            apply(events.flatMap { effects(of: $0) }, isTraining: true)
            for event in events {
                while histories.count <= Int(event.user) { histories.append([]) }
                histories[Int(event.user)].append(Self.interaction(event))
            }
        }
    }

    /// Trains a recipe and lets it answer, in both registries.
    ///
    /// - Returns: Its two campaigns' pipelines, and how many CPU seconds the training took.
    func train(_ recipe: any Recipe) throws -> Campaigns {
        let solution = Self.group.child("solutions", recipe.identifier)
        let version = solution.child("versions", "1")
        let campaign = Self.group.child("campaigns", recipe.identifier)
        apply(
            [
                .resourceStored(
                    solution,
                    .solution(
                        Solution(
                            header: Self.header(recipe.identifier),
                            group: Self.group,
                            // A model alone answers in place of a blend.
                            recipe: .recipe(
                                RecipeCatalog.entry(recipe.identifier) == nil
                                    ? "user-personalization" : recipe.identifier
                            )
                        )
                    )
                )
            ],
            isTraining: true
        )
        for registry in [online, trainedOnce] {
            registry.beginRecording(for: version, of: Self.index)
        }
        let set = try trainingSet(solution)
        let started = CPUTime.seconds()
        let model = try recipe.train(set) { _ in true }
        let seconds = CPUTime.seconds() - started
        let bytes = ByteWriter()
        model.encode(into: bytes)
        let artifact = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
        guard online.adopt(model, as: version),
            trainedOnce.adopt(try recipe.decode(artifact), as: version)
        else { throw BenchError("the trained model was not adopted") }
        var header = Self.header("1")
        header.status = .active
        apply(
            [
                .resourceStored(
                    version,
                    .solutionVersion(
                        SolutionVersion(header: header, solution: solution)
                    )
                ),
                .resourceStored(
                    campaign,
                    .campaign(
                        Campaign(
                            header: Self.header(recipe.identifier),
                            group: Self.group,
                            solutionVersion: version
                        )
                    )
                ),
            ],
            isTraining: true
        )
        return Campaigns(
            recipe: recipe.identifier,
            name: campaign.text,
            online: RecommendationPipeline(engine: engine, table: online.table),
            trainedOnce: RecommendationPipeline(engine: engine, table: trainedOnce.table),
            trainingCPUSeconds: seconds,
            artifactBytes: artifact.count,
            report: model.report
        )
    }

    /// A campaign of what was trained that explores nothing.
    func plainCampaign(of campaigns: Campaigns) -> String {
        let campaign = Self.group.child("campaigns", "plain")
        let solution = Self.group.child("solutions", campaigns.recipe)
        apply(
            [
                .resourceStored(
                    campaign,
                    .campaign(
                        Campaign(
                            header: Self.header("plain"),
                            group: Self.group,
                            solutionVersion: solution.child("versions", "1"),
                            explorationConfig: ["explorationWeight": "0"]
                        )
                    )
                )
            ],
            isTraining: true
        )
        return campaign.text
    }

    struct Campaigns {
        let recipe: String
        let name: String
        let online: RecommendationPipeline
        let trainedOnce: RecommendationPipeline
        let trainingCPUSeconds: Double
        let artifactBytes: Int
        let report: TrainingReport?
    }

    /// One more event is known: to the engine, and to the models that learn.
    func observe(_ event: CanonicalData.Event) {
        apply(effects(of: event), isTraining: false)
    }

    /// CPU seconds that applying events takes, one write each.
    func secondsApplying(_ events: ArraySlice<CanonicalData.Event>) -> Double {
        let writes = events.map { event in
            position += 1
            return Effects(position: LogPosition(position), effects: effects(of: event))
        }
        let started = CPUTime.seconds()
        for write in writes { online.applied(engine.apply([write])) }
        return CPUTime.seconds() - started
    }

    /// The records of the items, where there is a file of them.
    private func itemRecords() -> [Effect] {
        guard !data.itemTexts.isEmpty else { return [] }
        let resources: [Resource] = [
            .schema(
                Schema(
                    header: Self.header("items"),
                    kind: .items,
                    fields: data.itemColumns.map {
                        SchemaField(name: $0, type: .string, isCategorical: true)
                    },
                    document: ""
                )
            ),
            .dataset(
                Dataset(
                    header: Self.header("items"),
                    group: Self.group,
                    kind: .items,
                    schema: .schema("items")
                )
            ),
        ]
        var effects: [Effect] = resources.map { .resourceStored($0.resourceName, $0) }
        for (item, texts) in data.itemTexts.enumerated() {
            let id = data.items[item]
            effects.append(.itemNamed(Self.index, ItemIndex(UInt32(item)), id: id))
            let values = texts.map { $0.isEmpty ? PropertyValue.null : .string($0) }
            effects.append(
                .itemStored(
                    Self.index,
                    ItemIndex(UInt32(item)),
                    EntityRecord(id: id, properties: RecordProperties(values: values))
                )
            )
        }
        namedItems = data.itemTexts.count
        return effects
    }

    /// Histories by user id bytes, as a snapshot of the store has them.
    private func trainingSet(_ solution: ResourceName) throws -> BenchTrainingSet {
        let order = histories.indices.sorted {
            data.users[$0].utf8.lexicographicallyPrecedes(data.users[$1].utf8)
        }
        return BenchTrainingSet(
            itemCount: namedItems,
            histories: order.map { (UserIndex(UInt32($0)), histories[$0]) },
            records: online.itemRecords(of: solution, Self.index)
        )
    }

    private func effects(of event: CanonicalData.Event) -> [Effect] {
        var effects: [Effect] = []
        while namedUsers <= Int(event.user) {
            let id = data.users[namedUsers]
            effects.append(.ownerNamed(Self.index, UserIndex(UInt32(namedUsers)), .user, id: id))
            namedUsers += 1
        }
        while namedItems <= Int(event.item) {
            let id = data.items[namedItems]
            effects.append(.itemNamed(Self.index, ItemIndex(UInt32(namedItems)), id: id))
            namedItems += 1
        }
        while namedTypes <= Int(event.type) {
            let name = data.types[namedTypes]
            effects.append(
                .eventTypeNamed(Self.index, EventTypeIndex(UInt16(namedTypes)), name: name)
            )
            namedTypes += 1
        }
        let interaction = Self.interaction(event)
        let stored = StoredEvent(
            position: LogPosition(position + 1),
            ordinal: 0,
            item: interaction.item,
            type: interaction.type,
            record: EventRecord(
                eventType: data.types[Int(event.type)],
                itemID: data.items[Int(event.item)],
                occurredAt: interaction.occurredAt
            ),
            session: nil
        )
        effects.append(
            .eventStored(Self.index, owner: UserIndex(event.user), stored)
        )
        return effects
    }

    private func apply(_ effects: [Effect], isTraining: Bool) {
        position += 1
        let changes = engine.apply(
            [Effects(position: LogPosition(position), effects: effects)]
        )
        online.applied(changes)
        if isTraining { trainedOnce.applied(changes) }
    }

    private static func interaction(_ event: CanonicalData.Event) -> Interaction {
        Interaction(
            item: ItemIndex(event.item),
            type: EventTypeIndex(event.type),
            occurredAt: Timestamp(milliseconds: event.milliseconds)
        )
    }

    private static func header(_ name: String) -> ResourceHeader {
        ResourceHeader(
            name: name,
            status: .active,
            createdAt: Timestamp(milliseconds: 0),
            updatedAt: Timestamp(milliseconds: 0)
        )
    }
}

/// Histories in memory.
final class BenchTrainingSet: TrainingSet {
    let itemCount: Int
    private let histories: [(UserIndex, [Interaction])]
    private let records: ItemRecords?

    init(
        itemCount: Int,
        histories: [(UserIndex, [Interaction])],
        records: ItemRecords?
    ) {
        self.itemCount = itemCount
        self.records = records
        self.histories = histories.filter { !$0.1.isEmpty }
    }

    var userCount: Int { histories.count }
    var interactionCount: Int { histories.reduce(0) { $0 + $1.1.count } }

    func tokens(of item: ItemIndex) -> [ItemToken] {
        guard let records else { return [] }
        return records.tokenizer.tokens(of: records.root.record(of: item))
    }

    func forEachHistory(_ body: (UserIndex, [Interaction]) -> Bool) {
        for (user, history) in histories {
            guard body(user, history) else { return }
        }
    }
}
