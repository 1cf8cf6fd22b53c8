import Dispatch
import Engine
package import Journal
package import Logging
package import Primitives
import Resources
import Serving
import Synchronization

/// Makes versions of solutions that train by themselves: when enough is new, or when it is time.
///
/// Looks at every solution each `Limits.autoTrainingCheckMS`, on a thread of its own that mostly
/// sleeps; the versions that it makes wait in the same queue as others. The newest two of its
/// versions stay, older ones that no campaign names go.
package final class AutoTrainer: Sendable {
    private let journal: Journal
    private let trainings: TrainingQueue
    private let clock: any Clock
    private let logger: Logger
    private let stop = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let intervalMS: Int

    package init(
        journal: Journal,
        trainings: TrainingQueue,
        clock: any Clock,
        logger: Logger,
        intervalMS: Int = Limits.autoTrainingCheckMS
    ) {
        self.journal = journal
        self.trainings = trainings
        self.clock = clock
        self.logger = logger
        self.intervalMS = intervalMS
    }

    package func start() {
        let thread = Threads.start(name: "auto training") { [self] in
            Threads.becomeIdle()
            var counts: [GroupIndex: Count] = [:]
            while stop.wait(timeout: .now() + .milliseconds(intervalMS)) == .timedOut {
                look(&counts)
            }
            ended.signal()
        }
        precondition(thread != nil, "no thread could be started")
    }

    package func end() {
        stop.signal()
        ended.wait()
    }

    /// How many interactions a group had, and when that was.
    private struct Count {
        var interactions: Int64
        var nanoseconds: UInt64
        var position: LogPosition
    }

    private func look(_ counts: inout [GroupIndex: Count]) {
        for case .solution(let solution) in journal.engine.resources.all(.solution)
        where solution.config.automatic.isOn && solution.header.status == .active {
            guard case .datasetGroup(let group) = journal.engine.resources[solution.group],
                let store = journal.engine.group(group.index)
            else { continue }
            let name = Resource.solution(solution).resourceName
            let versions = versions(of: name)
            let count = count(group.index, store, isTrained: !versions.isEmpty, &counts)
            // Counting takes its time: what was updated meanwhile decides.
            guard case .solution(let current) = journal.engine.resources[name],
                current.config.automatic.isOn
            else { continue }
            let due = AutoTrainingPolicy.isDue(
                current,
                versions,
                interactionCount: count,
                now: clock.now()
            )
            if due { train(name) }
            forget(versions)
        }
    }

    /// Counting walks all owners: not again while nothing was written, and rarely once there is a
    /// version that serves.
    private func count(
        _ group: GroupIndex,
        _ store: GroupStore,
        isTrained: Bool,
        _ counts: inout [GroupIndex: Count]
    ) -> Int64 {
        let now = clock.monotonicNanoseconds()
        let position = journal.engine.position
        if let known = counts[group] {
            let age = now &- known.nanoseconds
            if known.position == position || isTrained && age < Limits.autoTrainingCountNS {
                return known.interactions
            }
        }
        let count = Int64(store.interactionCount)
        counts[group] = Count(interactions: count, nanoseconds: now, position: position)
        return count
    }

    /// Oldest first.
    private func versions(of solution: ResourceName) -> [SolutionVersion] {
        var versions: [SolutionVersion] = []
        for case .solutionVersion(let version) in journal.engine.resources.all(
            .solutionVersion,
            below: solution
        ) { versions.append(version) }
        return versions.sorted { $0.header.createdAt < $1.header.createdAt }
    }

    private func train(_ solution: ResourceName) {
        let now = clock.now()
        let label = ControlPlane.randomToken(characters: 12)
        var version = SolutionVersion(
            header: ResourceHeader(
                name: label,
                status: .createPending,
                createdAt: now,
                updatedAt: now
            ),
            solution: solution
        )
        version.isAutomatic = true
        let draft = Resource.solutionVersion(version)
        logger.info("training by itself", metadata: ["resource": "\(draft.resourceName)"])
        let done = DispatchSemaphore(value: 0)
        journal.sequencer.submit(.createResources([draft], requestID: "")) { [self] result, _ in
            if case .success = result { trainings.enqueue(draft.resourceName) }
            done.signal()
        }
        done.wait()
    }

    /// Lets go of automatic versions that newer ones have taken the place of.
    private func forget(_ versions: [SolutionVersion]) {
        let automatic = versions.filter { $0.isAutomatic && $0.header.status == .active }
        for version in automatic.dropLast(Limits.automaticVersionsKept) {
            let name = Resource.solutionVersion(version).resourceName
            let isUsed = journal.engine.resources.all(.campaign).contains { resource in
                guard case .campaign(let campaign) = resource else { return false }
                return campaign.solutionVersion == name
            }
            if isUsed { continue }
            journal.sequencer.submit(.deleteResource(name, etag: nil)) { [journal] result, _ in
                guard case .success = result else { return }
                journal.sequencer.perform { journal.artifacts.delete(name) }
            }
        }
    }
}
