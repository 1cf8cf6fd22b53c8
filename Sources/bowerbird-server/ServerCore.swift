import Control
import Engine
import Journal
import Logging
import Metrics
import Primitives
import RPC
import Resources
import Services
import Serving

/// Engine, journal, models and jobs of one server, wired together.
struct ServerCore {
    private let journal: Journal
    private let registry: ModelRegistry
    private let trainings: TrainingQueue
    private let keeper: ServedListKeeper
    private let autoTrainer: AutoTrainer
    private let eraser: Eraser
    private let jobs: JobQueue
    private let jobSettings: JobSettings
    private let recordLimits: RecordLimits
    private let memory: MemoryGuard
    private let memoryCounter: MemoryCounter
    private let clock = SystemClock()
    private let workers = WorkerPool()
    private let counters = WorkerPool(
        threads: 1,
        name: "counter",
        waitingMax: Limits.pendingStatisticsMax
    )
    private let backupWorker = WorkerPool(
        threads: 1,
        name: "backup",
        waitingMax: Limits.pendingBackupsMax
    )

    /// Opens the place and brings engine and models to where they were.
    init(
        _ place: Journal.Place,
        filterQuotas: FilterQuotas,
        groupQuotas: GroupQuotas,
        durability: Durability,
        memoryBudget: Int,
        jobSettings: JobSettings,
        recordLimits: RecordLimits,
        metrics: Metrics.Registry
    ) throws(JournalError) {
        self.recordLimits = recordLimits
        memory = MemoryGuard(budget: memoryBudget == 0 ? nil : memoryBudget)
        journal = try Journal(
            place,
            clock: clock,
            filterQuotas: filterQuotas,
            groupQuotas: groupQuotas,
            numberIndexing: .onWorkers(workers),
            durability: durability,
            memory: memory,
            logger: Logger(label: Subsystem.journal.label),
            metrics: JournalMetrics(metrics)
        )
        let lists = ServedLists(hash: journal.hash, now: clock.now())
        try lists.load(journal.servedLists)
        let registry = ModelRegistry(
            engine: journal.engine,
            servedLists: lists,
            showings: try journal.servedLists.showings()
        )
        self.registry = registry
        let serving = Logger(label: Subsystem.serving.label)
        keeper = ServedListKeeper(registry: registry, journal: journal, logger: serving)
        let erasures = try journal.lastErasures()
        let replayAfter = registry.restore(journal) { version, reason in
            serving.error(
                "model can't be read; train again",
                metadata: ["resource": "\(version)", "reason": "\(reason)"]
            )
        }
        try journal.recover(
            replayAfter: replayAfter,
            prepare: { registry.recordsRecovered() },
            observe: { registry.applied($0) }
        )
        journal.forgetRewrites(through: registry.oldestArtifact)
        eraser = Eraser(registry: registry, journal: journal, logger: serving)
        let erased = try journal.erasedThrough()
        eraser.start(unfinished: Set(erasures.filter { $0.value > erased }.keys))
        journal.sequencer.start(observer: registry)
        let training = Logger(label: Subsystem.training.label)
        trainings = TrainingQueue(
            journal: journal,
            registry: registry,
            clock: clock,
            logger: training
        )
        trainings.start()
        keeper.start()
        autoTrainer = AutoTrainer(
            journal: journal,
            trainings: trainings,
            clock: clock,
            logger: training
        )
        autoTrainer.start()
        memoryCounter = MemoryCounter(journal: journal, registry: registry, memory: memory)
        memoryCounter.start()
        self.jobSettings = jobSettings
        jobs = JobQueue(
            journal: journal,
            registry: registry,
            clock: clock,
            limits: recordLimits,
            logger: Logger(label: Subsystem.jobs.label)
        )
        jobs.start(uploads: jobSettings.uploads)
        show(in: metrics)
        Logger(label: Subsystem.server.label).info(
            "recovered",
            metadata: ["position": .stringConvertible(journal.engine.position.rawValue)]
        )
    }

    private func show(in metrics: Metrics.Registry) {
        let sequencer = journal.sequencer
        metrics.reading(
            "bowerbird_write_queue_depth",
            "Writes that wait for the writer; \(Limits.pendingMutationsMax) are the limit."
        ) { Double(sequencer.queueDepth) }
        let engine = journal.engine
        metrics.reading(
            "bowerbird_log_position",
            "The position of the last write that is applied."
        ) { Double(engine.position.rawValue) }
        for structure in MemoryUse.Structure.allCases {
            metrics.reading(
                "bowerbird_memory_bytes",
                "What takes memory, by structure; counted every second, or more seldom where that "
                    + "takes long.",
                [("structure", structure.rawValue)]
            ) { [memoryCounter] in Double(memoryCounter.use[structure]) }
        }
        for shard in memoryCounter.use.shards.indices {
            metrics.reading(
                "bowerbird_shard_memory_bytes",
                "What of that users and sessions take, by shard of all dataset groups.",
                [("shard", String(shard))]
            ) { [memoryCounter] in Double(memoryCounter.use.shards[shard]) }
        }
        metrics.reading(
            "bowerbird_memory_resident_bytes",
            "Memory of the process that is of no file; what the budget bounds."
        ) { Double(MemoryGuard.residentByteCount()) }
        let budget = Double(memory.budget ?? 0)
        metrics.reading(
            "bowerbird_memory_budget_bytes",
            "From which on no records are taken; 0 for no bound."
        ) { budget }
        let lists = registry.servedLists
        metrics.reading(
            "bowerbird_served_list_bytes",
            "What remembered lists take; \(Limits.servedListBytesMax) are the limit."
        ) { Double(lists.byteCount) }
        metrics.reading(
            "bowerbird_served_list_misses_total",
            "Lists that events or pages named and that were not remembered any more."
        ) { Double(lists.missCount) }
    }

    /// Why writes can't be taken; `nil` when they can.
    func unreadiness() -> String? {
        journal.sequencer.checkWritable() ? nil : "the store takes no writes"
    }

    /// The resource name of the dataset group of a tracker.
    var groupOfTracker: MethodAccessTable.GroupOfTracker {
        let engine = journal.engine
        return { engine.tracker(withID: $0).map { "\($0.group)" } }
    }

    /// The folder for copies of the data.
    ///
    /// - Throws: When there is no such folder.
    func backups(in root: String?) throws(Refusal) -> Backups {
        try Backups(root: root, journal: journal)
    }

    func addServices(to router: inout Router, backups: Backups) {
        let control = ControlPlane(
            journal: journal,
            trainings: trainings,
            jobs: jobs,
            jobSettings: jobSettings,
            clock: clock
        )
        let events = EventsService(journal: journal, clock: clock, limits: recordLimits)
        events.add(to: &router)
        RecordsService(journal: journal, events: events, workers: workers).add(to: &router)
        RecommendationsService(
            journal: journal,
            table: registry.table,
            lists: registry.servedLists
        ).add(to: &router)
        DatasetsService(control: control, counters: counters).add(to: &router)
        SolutionsService(control: control).add(to: &router)
        CampaignsService(control: control).add(to: &router)
        FiltersService(control: control).add(to: &router)
        JobsService(control: control).add(to: &router)
        OperationsService(backups: backups, clock: clock, worker: backupWorker).add(to: &router)
    }

    func stop() {
        autoTrainer.end()
        jobs.end()
        trainings.end()
        eraser.end()
        keeper.end()
        memoryCounter.end()
        memory.stop()
        workers.stop()
        counters.stop()
        backupWorker.stop()
        journal.close()
    }
}
