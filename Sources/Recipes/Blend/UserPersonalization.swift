import Primitives

/// The blend that validation chooses among the whole family of models.
///
/// Training cuts off the last tenth of the time, trains every affordable model on what came before,
/// replays the rest with live counts and chooses sources and weights by `BlendChooser`; the chosen
/// are trained on nine tenths of the users to be measured on the others (`MetricSplit`), and on
/// everything. With too few events to choose by, and before the first training, it
/// is sequential rules with recent popularity behind them. See `BlendModel` for what a query costs.
package struct UserPersonalization: Recipe {
    package init() {}

    package var identifier: String { "user-personalization" }

    /// Without a choice: rules scaled to a maximum of 1, 5 % of popularity, likewise, and content.
    static let usual = [
        BlendTerm(source: .rules(.harmonic), weight: 1, scale: 0),
        BlendTerm(
            source: .trend(hours: RecentPopularity.usualHalfLifeHours),
            weight: 0.05,
            scale: 0
        ),
        usualContent,
    ]

    /// Without questions on new items: one like all of a history stands where rules are sure of
    /// little.
    static let usualContent = BlendTerm(source: .content, weight: 0.35, scale: 1)

    package func emptyModel() -> any TrainedModel {
        BlendModel(terms: Self.usual, passes: [], spanMS: 0, report: TrainingReport())
    }

    package func train(
        _ set: any TrainingSet,
        progress: (Double) -> Bool
    ) throws(RecipeError) -> any TrainedModel {
        let log = try InteractionLog(set) { progress(0.05 * $0) }
        let descriptions = ItemDescriptions(set)
        let validation = Validation(log, descriptions)
        var plan = BlendPlan(terms: Self.usual, report: TrainingReport())
        if validation.questionCount >= Limits.validationQueriesMin {
            plan = try BlendPlan.chosen(validation, log) { progress(0.05 + 0.55 * $0) }
        }
        let split = MetricSplit(log, excludesSeen: validation.excludesSeen)
        if !split.tests.isEmpty {
            let part = try plan.train(split.training, descriptions) { progress(0.6 + 0.2 * $0) }
            plan.report.metrics = split.measure(part)
        }
        let segments = UserSegments(set, log, users: log.users)
        return try plan.train(log, descriptions, segments) { progress(0.8 + 0.2 * $0) }
    }

    package func decode(_ artifact: [UInt8]) throws(RecipeError) -> any TrainedModel {
        try BlendModel(artifact)
    }
}
