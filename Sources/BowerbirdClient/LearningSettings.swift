internal import Primitives
internal import Wire

/// How a solution learns, beyond its recipe.
public struct LearningSettings: Hashable, Sendable {
    /// The one event type to learn from; empty: all.
    public var eventType = ""
    /// Events of it below this value are not learnt from.
    public var eventValueThreshold: Double?
    /// The event types to learn from, at most 10; empty: as `eventType` says.
    public var events: [LearntEvent] = []
    /// The recipe's parameters by Personalize's names.
    public var hyperparameters: [String: String] = [:]
    /// The same for what Personalize calls featurization parameters.
    public var featureTransformations: [String: String] = [:]
    /// Whether it trains by itself.
    public var trainsByItself = true
    /// `rate(N days)`; empty: the server's default.
    public var schedule = ""

    /// All events, the recipe's own parameters, and trainings by itself.
    public init() {}

    func write(_ request: CreateSolutionRequestBuilder) {
        request.eventType(eventType)
        request.performAutoTraining(trainsByItself)
        request.solutionConfig { config in
            if !events.isEmpty { config.eventsConfig { LearntEvent.write(events, $0) } }
            if let eventValueThreshold { config.eventValueThreshold("\(eventValueThreshold)") }
            for (name, value) in hyperparameters.sorted(by: { $0.key < $1.key }) {
                config.algorithmHyperParameters(name, value)
            }
            for (name, value) in featureTransformations.sorted(by: { $0.key < $1.key }) {
                config.featureTransformationParameters(name, value)
            }
            if !schedule.isEmpty {
                config.autoTrainingConfig { $0.schedulingExpression(schedule) }
            }
        }
    }
}

/// An event type to learn from.
public struct LearntEvent: Hashable, Sendable {
    /// Its name.
    public var type: String
    /// Events below this value are not learnt from.
    public var valueThreshold: Double?
    /// 0 to 1; at 0 it is not learnt from.
    public var weight: Double

    /// All events of a type, at the full weight, unless told otherwise.
    public init(type: String, valueThreshold: Double? = nil, weight: Double = 1) {
        self.type = type
        self.valueThreshold = valueThreshold
        self.weight = weight
    }

    static func write(_ events: [LearntEvent], _ config: EventsConfigBuilder) {
        for event in events {
            config.eventParametersList { parameters in
                parameters.eventType(event.type)
                if let least = event.valueThreshold { parameters.eventValueThreshold(least) }
                parameters.weight(event.weight)
            }
        }
    }
}

extension BowerbirdClient {
    /// Changes whether a solution trains by itself, when (`rate(N days)`), and the event types that
    /// it learns from.
    ///
    /// What is absent stays.
    public func updateSolution(
        _ solution: String,
        trainsByItself: Bool? = nil,
        schedule: String? = nil,
        events: [LearntEvent]? = nil
    ) async throws(ClientError) {
        try await call(
            "/bowerbird.v1.SolutionsService/UpdateSolution",
            { writer in
                let request = UpdateSolutionRequestBuilder(into: writer)
                request.solution(solution)
                if let trainsByItself { request.performAutoTraining(trainsByItself) }
                if let schedule {
                    request.autoTrainingConfig { $0.schedulingExpression(schedule) }
                }
                if let events { request.eventsConfig { LearntEvent.write(events, $0) } }
            }
        ) { (bytes, arena) throws(WireError) in
            _ = try UpdateSolutionResponseView(unpacking: bytes, into: arena)
        }
    }
}
