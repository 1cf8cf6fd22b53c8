internal import Primitives
internal import RPC
internal import Wire

/// What one training made, and how good it is.
public struct SolutionVersionReport: Hashable, Sendable {
    /// A model of those that it was chosen of.
    public struct Model: Hashable, Sendable {
        /// Such as `rules(exp, τ=1.5)`.
        public var name: String
        /// Its part in the sum that answers; 0 outside it.
        public var weight: Double
        /// NDCG@10 of this model alone on the validation's questions.
        public var ndcgAt10: Double
    }

    /// How far its training is.
    public var training: TrainingState
    /// Hours that the training took.
    public var trainingHours: Double
    /// What answers, the heaviest first; empty where there was nothing to choose.
    public var components: [Model]
    /// Every model that was tried, the best first.
    public var candidates: [Model]
    /// Questions of the validation.
    public var questionCount: Int64
    /// NDCG@10 of the whole on them.
    public var ndcgAt10: Double
    /// The best model alone; `nil` without a choice.
    public var runnerUp: Model?
    /// By the names of GetSolutionMetrics.
    public var metrics: [String: Double]
}

extension BowerbirdClient {
    /// What a training tried, chose and expects.
    public func describeSolutionVersion(
        _ version: String
    ) async throws(ClientError) -> SolutionVersionReport {
        try await call(
            "/bowerbird.v1.SolutionsService/DescribeSolutionVersion",
            { DescribeSolutionVersionRequestBuilder(into: $0).solutionVersion(version) }
        ) { (bytes, arena) throws(WireError) in
            let view = try DescribeSolutionVersionResponseView(unpacking: bytes, into: arena)
            return SolutionVersionReport(view.solutionVersion)
        }
    }

    /// What an ACTIVE version was worth when it was trained, by name of the metric.
    public func solutionMetrics(of version: String) async throws(ClientError) -> [String: Double] {
        try await call(
            "/bowerbird.v1.SolutionsService/GetSolutionMetrics",
            { GetSolutionMetricsRequestBuilder(into: $0).solutionVersion(version) }
        ) { (bytes, arena) throws(WireError) in
            let view = try GetSolutionMetricsResponseView(unpacking: bytes, into: arena)
            var metrics: [String: Double] = [:]
            for index in 0..<view.metricsCount {
                let entry = view.metrics(index)
                metrics[entry.key.string] = entry.value
            }
            return metrics
        }
    }

    /// Follows a training to its end.
    public func watchTraining(of version: String) async throws(ClientError) -> TrainingStates {
        let stream = channel.stream("/bowerbird.v1.SolutionsService/WatchSolutionVersion")
        do throws(Status) {
            try await stream.send {
                WatchSolutionVersionRequestBuilder(into: $0).solutionVersion(version)
            }
        } catch {
            throw ClientError(error)
        }
        stream.finish()
        return TrainingStates(stream: stream)
    }
}

extension TrainingState {
    init(_ found: borrowing SolutionVersionView) {
        self.init(
            isActive: found.status == .active,
            isOver: found.status == .createFailed || found.status == .createStopped,
            progress: found.progress,
            failureReason: found.failureReason.string,
            warnings: (0..<found.warningsCount).map { found.warnings($0).string }
        )
    }
}

extension SolutionVersionReport {
    init(_ found: borrowing SolutionVersionView) {
        training = TrainingState(found)
        trainingHours = found.trainingHours
        components = []
        candidates = []
        metrics = [:]
        for index in 0..<found.componentsCount { components.append(Model(found.components(index))) }
        for index in 0..<found.candidatesCount { candidates.append(Model(found.candidates(index))) }
        for index in 0..<found.metricsCount {
            metrics[found.metrics(index).key.string] = found.metrics(index).value
        }
        questionCount = 0
        ndcgAt10 = 0
        guard found.hasValidation else { return }
        questionCount = found.validation.questionCount
        ndcgAt10 = found.validation.ndcgAt10
        if found.validation.hasRunnerUp { runnerUp = Model(found.validation.runnerUp) }
    }
}

extension SolutionVersionReport.Model {
    init(_ found: borrowing ModelComponentView) {
        name = found.name.string
        weight = found.weight
        ndcgAt10 = found.ndcgAt10
    }
}

/// The states of a training, one with every change, until it is over.
public struct TrainingStates: AsyncSequence, Sendable {
    /// One state.
    public typealias Element = TrainingState
    /// Why the watch ended early.
    public typealias Failure = ClientError

    /// Gives the states one by one.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let stream: ClientStream

        /// The next state; `nil` behind the last.
        public mutating func next() async throws(ClientError) -> TrainingState? {
            try await TrainingStates.next(of: stream)
        }

        /// The same, whatever actor asks.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(ClientError) -> TrainingState? {
            try await TrainingStates.next(of: stream)
        }
    }

    let stream: ClientStream

    fileprivate static func next(
        of stream: ClientStream
    ) async throws(ClientError) -> TrainingState? {
        try await stream.nextAnswer { (bytes, arena) throws(WireError) in
            let view = try WatchSolutionVersionResponseView(unpacking: bytes, into: arena)
            return TrainingState(view.solutionVersion)
        }
    }

    /// Starts to take the states.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: stream) }
}
