import Control
import Engine
import Journal
import Logging
import Primitives
import RPC
import Services
import Serving

/// Engine, journal, models and jobs of one server, wired together.
struct ServerCore {
    private let journal: Journal
    private let registry: ModelRegistry
    private let trainings: TrainingQueue
    private let clock = SystemClock()

    /// Opens the place and brings engine and models to where they were.
    init(_ place: Journal.Place, logger: Logger) throws(JournalError) {
        journal = try Journal(place, clock: clock, logger: logger)
        let registry = ModelRegistry(engine: journal.engine)
        self.registry = registry
        let replayAfter = registry.restore(journal.artifacts) { version, reason in
            logger.error(
                "model can't be read; train again",
                metadata: ["resource": "\(version)", "reason": "\(reason)"]
            )
        }
        try journal.recover(
            replayAfter: replayAfter,
            prepare: { registry.recordsRecovered() },
            observe: { registry.applied($0) }
        )
        journal.sequencer.start(observer: registry)
        trainings = TrainingQueue(
            journal: journal,
            registry: registry,
            clock: clock,
            logger: logger
        )
        trainings.start()
        logger.info("recovered", metadata: ["position": "\(journal.engine.position.rawValue)"])
    }

    func addServices(to router: inout Router) {
        let control = ControlPlane(journal: journal, trainings: trainings, clock: clock)
        EventsService(journal: journal, clock: clock).add(to: &router)
        RecommendationsService(journal: journal, table: registry.table).add(to: &router)
        DatasetsService(control: control).add(to: &router)
        SolutionsService(control: control).add(to: &router)
        CampaignsService(control: control).add(to: &router)
    }

    func stop() {
        trainings.end()
        journal.close()
    }
}
