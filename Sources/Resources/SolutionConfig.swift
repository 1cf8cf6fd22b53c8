/// How a solution learns, beyond its recipe.
package struct SolutionConfig: Hashable, Sendable {
    /// The one event type to learn from; empty: all of them.
    package var eventType = ""
    /// Events below this value are not learnt from; needs `eventType`.
    package var eventValueThreshold: Double?
    /// The event types to learn from; empty: as `eventType` says.
    package var events: [EventParameters] = []
    package var hyperparameters: [String: String] = [:]
    package var featureTransformations: [String: String] = [:]
    package var excludedColumns: [DatasetKind: [String]] = [:]
    package var includedColumns: [DatasetKind: [String]] = [:]
    package var automatic = AutomaticTraining()
    /// Which of these settings mean nothing to the models of this server, in words.
    package var warnings: [String] = []

    package init() {}

    /// One event type to learn from.
    package struct EventParameters: Hashable, Sendable {
        package var eventType: String
        package var valueThreshold: Double?
        /// 0...1; at 0 it is not learnt from.
        package var weight: Double

        package init(eventType: String, valueThreshold: Double? = nil, weight: Double = 1) {
            self.eventType = eventType
            self.valueThreshold = valueThreshold
            self.weight = weight
        }
    }

    /// When a solution trains by itself.
    package struct AutomaticTraining: Hashable, Sendable {
        package var isOn = true
        /// So many days after the last version, if anything changed.
        package var days = 7
        /// As soon as this share of the interactions is new; 0: by the days alone.
        package var changedShare = 0.25
        /// The first version is not left to a person for a while.
        package var startsAtOnce = false

        package init() {}
    }

    /// All of the recipe's parameters.
    package var parameters: [String: String] {
        hyperparameters.merging(featureTransformations) { given, _ in given }
    }

    /// The events to learn from by folded type with the least value; `nil`: all.
    package var selectedEvents: [String: Double?]? {
        if !events.isEmpty {
            let used = events.filter { $0.weight > 0 }
            return Dictionary(
                used.map { ($0.eventType.lowercased(), $0.valueThreshold) }
            ) { $1 }
        }
        return eventType.isEmpty ? nil : [eventType.lowercased(): eventValueThreshold]
    }
}
