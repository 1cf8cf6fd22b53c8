import Dispatch
import Engine
package import Journal
package import Logging
package import Primitives
import Recipes
package import Resources
package import Serving
import Synchronization

/// Trains solution versions, one after the other, on a thread that runs when nothing else wants to.
///
/// A version's states are writes like any other, so a restart knows where each training was: those
/// that had not ended begin again.
package final class TrainingQueue: Sendable {
    private struct State {
        var waiting: [ResourceName] = []
        var running: ResourceName?
        var stopped: Set<ResourceName> = []
        var progress = 0.0
        var startedNanoseconds: UInt64 = 0
        var isEnding = false
    }

    /// Told of every change of a training.
    let watchers = TrainingWatchers()
    private let state = Mutex(State())
    private let wakeUp = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let journal: Journal
    private let registry: ModelRegistry
    private let clock: any Clock
    private let logger: Logger

    package init(
        journal: Journal,
        registry: ModelRegistry,
        clock: any Clock,
        logger: Logger
    ) {
        self.journal = journal
        self.registry = registry
        self.clock = clock
        self.logger = logger
    }

    /// Starts the thread; takes up what a restart interrupted.
    package func start() {
        for case .solutionVersion(let version) in journal.engine.resources.all(.solutionVersion) {
            let name = Resource.solutionVersion(version).resourceName
            switch version.header.status {
            case .createPending, .createInProgress: enqueue(name)
            case .createStopping: setStatus(name, .createStopped)
            case .active, .createFailed, .createStopped: break
            }
        }
        let thread = Threads.start(name: "training") { [self] in
            Threads.becomeIdle()
            run()
        }
        precondition(thread != nil, "no thread could be started")
    }

    package func enqueue(_ version: ResourceName) {
        state.withLock { $0.waiting.append(version) }
        wakeUp.signal()
    }

    /// Gives up what is running, which begins again after a restart, and ends the thread.
    package func end() {
        state.withLock { $0.isEnding = true }
        wakeUp.signal()
        ended.wait()
    }

    package func progress(_ version: ResourceName) -> Double {
        state.withLock { $0.running == version ? $0.progress : 0 }
    }

    /// Nanoseconds that the rest of a training takes, as its progress tells; `nil` before it can.
    package func remainingNanoseconds(_ version: ResourceName) -> UInt64? {
        let now = clock.monotonicNanoseconds()
        return state.withLock { state in
            guard state.running == version, state.progress > 0.02, now > state.startedNanoseconds
            else { return nil }
            let elapsed = Double(now - state.startedNanoseconds)
            return UInt64(elapsed * (1 - state.progress) / state.progress)
        }
    }

    /// Stops a version that has not been trained: at once while it waits, soon when it is running.
    package func stop(
        _ version: ResourceName,
        completion: @escaping Sequencer.Completion
    ) {
        guard case .solutionVersion(let resource) = journal.engine.resources[version] else {
            return completion(.failure(.missing(version, "solution version")), nil)
        }
        switch resource.header.status {
        case .createPending, .createInProgress: break
        case .active, .createFailed, .createStopping, .createStopped:
            return completion(
                .failure(
                    Refusal(
                        .resourceInUse,
                        "the solution version '\(version)' is not being created",
                        resource: version.text
                    )
                ),
                nil
            )
        }
        let isRunning = state.withLock { state in
            state.stopped.insert(version)
            state.waiting.removeAll { $0 == version }
            return state.running == version
        }
        setStatus(version, isRunning ? .createStopping : .createStopped, completion: completion)
    }

    private func run() {
        while true {
            wakeUp.wait()
            let (next, isEnding) = state.withLock { state -> (ResourceName?, Bool) in
                guard !state.isEnding, !state.waiting.isEmpty else { return (nil, state.isEnding) }
                let next = state.waiting.removeFirst()
                state.running = next
                state.progress = 0
                state.startedNanoseconds = clock.monotonicNanoseconds()
                return (next, false)
            }
            if isEnding { break }
            guard let next else { continue }
            train(next)
            state.withLock { state in
                state.running = nil
                state.stopped.remove(next)
            }
        }
        ended.signal()
    }

    // MARK: One training

    private func train(_ version: ResourceName) {
        let started = clock.monotonicNanoseconds()
        setStatus(version, .createInProgress)
        do throws(Refusal) {
            // Each attempt reads a newer state; a group that is written faster than it is read is
            // given up on. While the store can't be written to, its end could not be told either.
            if isUpdate(version) { return try update(version, started) }
            var overtaken = 0
            while overtaken < 3 {
                do throws(Refusal) {
                    guard let made = try attempt(version) else { return }
                    let elapsed = Int64((clock.monotonicNanoseconds() - started) / 1_000_000)
                    if try publish(made, as: version, elapsedMS: elapsed) { return }
                    overtaken += 1
                } catch {
                    guard error.code == .unavailable else { throw error }
                    logger.warning(
                        "training begins again",
                        metadata: ["resource": "\(version)", "error": "\(error.message)"]
                    )
                    endRecording(for: version)
                    guard waitForStore(version) else { return }
                }
            }
            throw Refusal(
                .internalFailure,
                "more than \(Limits.recordedChangesMax) events were written during each of 3 "
                    + "trainings"
            )
        } catch {
            endRecording(for: version)
            setStatus(version, .createFailed, reason: error.message)
            logger.error(
                "training failed",
                metadata: ["resource": "\(version)", "error": "\(error.message)"]
            )
        }
    }

    private func isUpdate(_ version: ResourceName) -> Bool {
        guard case .solutionVersion(let resource) = journal.engine.resources[version] else {
            return false
        }
        return resource.isUpdate
    }

    /// Makes a version of the newest one as it is now; nothing is trained.
    private func update(_ version: ResourceName, _ started: UInt64) throws(Refusal) {
        guard let solution = version.parent,
            case .solution(let resource) = journal.engine.resources[solution],
            case .datasetGroup(let group) = journal.engine.resources[resource.group]
        else { throw .missing(version.parent ?? version, "solution") }
        let copied = try onWriter { () throws(Refusal) -> Made in
            self.registry.beginRecording(for: version, of: group.index)
            do throws(RecipeError) {
                guard let latest = try self.registry.copyOfLatest(of: solution) else {
                    throw RecipeError(
                        .readFailed,
                        "'\(solution)' has no ACTIVE version to go on from"
                    )
                }
                return Made(
                    model: latest.model,
                    position: self.journal.engine.position,
                    warnings: latest.version.warnings,
                    interactionCount: Int64(
                        self.journal.engine.group(group.index)?.interactionCount ?? 0
                    ),
                    training: latest.version.training.choice
                )
            } catch {
                throw Refusal(.internalFailure, error.message)
            }
        }
        let elapsed = Int64((clock.monotonicNanoseconds() - started) / 1_000_000)
        guard try publish(copied, as: version, elapsedMS: elapsed) else {
            throw Refusal(.internalFailure, "too much was written meanwhile")
        }
    }

    private struct Made {
        let model: any TrainedModel
        let position: LogPosition
        let warnings: [String]
        let interactionCount: Int64
        var training = TrainingSummary()
        /// That it was trained with; `nil` of a copy, which knows no records of items either.
        var config: SolutionConfig?
    }

    /// Reads a snapshot and trains on it; `nil` when it was stopped.
    private func attempt(_ version: ResourceName) throws(Refusal) -> Made? {
        let start = try start(version)
        let set = SnapshotTrainingSet(
            snapshot: start.records,
            group: start.group,
            itemCount: start.items?.root.itemCount ?? 0,
            selection: EventSelection(start.config, nil),
            items: start.items
        )
        do throws(RecipeError) {
            let model = try start.recipe.train(set) { self.reached($0, version) }
            var training = TrainingSummary(model.report)
            if model.report == nil {
                training.metrics = try start.recipe.metrics(of: set) { _ in
                    self.reached(1, version)
                }
            }
            return Made(
                model: model,
                position: set.position,
                warnings: start.config.warnings + set.warnings,
                interactionCount: start.interactionCount,
                training: training,
                config: start.config
            )
        } catch {
            guard error.code == .cancelled else {
                throw Refusal(set.isRevoked ? .unavailable : .internalFailure, error.message)
            }
            endRecording(for: version)
            let isEnding = state.withLock { $0.isEnding }
            if !isEnding { setStatus(version, .createStopped) }
            return nil
        }
    }

    /// Tells how far a training is; false when it is to stop.
    private func reached(_ progress: Double, _ version: ResourceName) -> Bool {
        watchers.progressed(version, progress, clock.monotonicNanoseconds())
        return state.withLock { state in
            state.progress = progress
            return !state.isEnding && !state.stopped.contains(version)
        }
    }

    /// Waits for a second; false when the version is not wanted any more.
    private func waitForStore(_ version: ResourceName) -> Bool {
        let never = DispatchSemaphore(value: 0)
        _ = never.wait(timeout: .now() + .milliseconds(Limits.trainingRetryMS))
        let (isEnding, isStopped) = state.withLock { ($0.isEnding, $0.stopped.contains(version)) }
        if isStopped && !isEnding { setStatus(version, .createStopped) }
        return !isEnding && !isStopped
    }

    /// What a training begins with, all of it of one moment.
    private struct Start: Sendable {
        let records: RecordSnapshot
        let group: GroupIndex
        let config: SolutionConfig
        let recipe: any Recipe
        let items: ItemRecords?
        let interactionCount: Int64
    }

    /// The settings are those of the snapshot: an update of the solution that was answered before
    /// is in it.
    private func start(_ version: ResourceName) throws(Refusal) -> Start {
        try onWriter { () throws(Refusal) in
            guard let solution = version.parent,
                case .solution(let resource) = self.journal.engine.resources[solution],
                case .datasetGroup(let group) = self.journal.engine.resources[resource.group],
                let recipe = RecipeCatalog.recipe(
                    resource.recipe.label,
                    parameters: resource.config.parameters
                )
            else { throw .missing(version.parent ?? version, "solution") }
            let records = try self.journal.makeSnapshot()
            self.registry.beginRecording(for: version, of: group.index)
            return Start(
                records: records,
                group: group.index,
                config: resource.config,
                recipe: recipe,
                items: self.registry.itemRecords(of: solution, group.index),
                interactionCount: Int64(
                    self.journal.engine.group(group.index)?.interactionCount ?? 0
                )
            )
        }
    }

    /// Stores the model and lets it answer; false when it must be trained again.
    private func publish(
        _ made: Made,
        as version: ResourceName,
        elapsedMS: Int64
    ) throws(Refusal) -> Bool {
        let isAdopted = try onWriter { () throws(Refusal) in
            let isAdopted = self.registry.adopt(
                made.model,
                as: version,
                isDescribed: made.config != nil,
                config: made.config
            )
            guard isAdopted else { return false }
            let bytes = ByteWriter()
            made.model.encode(into: bytes)
            let artifact = ArtifactStore.Artifact(
                position: self.journal.engine.position,
                bytes: unsafe bytes.withUnsafeBytes { unsafe Array($0) }
            )
            try self.journal.artifacts.store(version, artifact)
            self.journal.forgetRewrites(through: self.registry.oldestArtifact)
            return true
        }
        guard isAdopted else { return false }
        setStatus(
            version,
            .active,
            change: { version in
                version.trainedAt = made.position
                version.trainingMilliseconds = elapsedMS
                version.warnings = made.warnings
                version.interactionCount = made.interactionCount
                version.training = made.training
            }
        )
        logger.info(
            "trained",
            metadata: ["resource": "\(version)", "ms": "\(elapsedMS)"]
        )
        return true
    }

    // MARK: States

    private func setStatus(
        _ version: ResourceName,
        _ status: ResourceStatus,
        reason: String = "",
        completion: Sequencer.Completion? = nil,
        change: (inout SolutionVersion) -> Void = { _ in }
    ) {
        guard case .solutionVersion(var resource) = journal.engine.resources[version] else {
            return
        }
        resource.header.status = status
        resource.header.failureReason = reason
        resource.header.updatedAt = clock.now()
        resource.header.revision += 1
        change(&resource)
        let changed = resource
        wait { done in
            self.journal.sequencer.submit(.updateResource(.solutionVersion(changed))) {
                result,
                wakes in
                completion?(result, wakes)
                self.watchers.changed(version)
                done()
            }
        }
    }

    private func endRecording(for version: ResourceName) {
        wait { done in
            self.journal.sequencer.perform {
                self.registry.endRecording(for: version)
                done()
            }
        }
    }

    /// Runs `work` on the writer's thread and waits for what it makes.
    private func onWriter<Value: Sendable>(
        _ work: @escaping @Sendable () throws(Refusal) -> Value
    ) throws(Refusal) -> Value {
        let result = Mutex<Result<Value, Refusal>?>(nil)
        wait { done in
            self.journal.sequencer.perform {
                let made = Result { () throws(Refusal) in try work() }
                result.withLock { $0 = made }
                done()
            }
        }
        guard let result = result.withLock({ $0 }) else {
            throw Refusal(.internalFailure, "the writer gave no answer")
        }
        return try result.get()
    }

    /// Blocks this thread until `done` is called.
    private func wait(_ body: (@escaping @Sendable () -> Void) -> Void) {
        let semaphore = DispatchSemaphore(value: 0)
        body { semaphore.signal() }
        semaphore.wait()
    }
}
