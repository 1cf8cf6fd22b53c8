import Primitives

/// The blend that validation chooses among the whole family of models.
///
/// Training leaves out a tenth of the users (`MetricSplit`), cuts off the last tenth of the time,
/// trains every affordable model on what came before, replays the rest with live counts and chooses
/// sources and weights by `BlendChooser`. What was chosen is measured on the users that were left
/// out, and trained on everything. With too few events to choose by, and before the first training,
/// it is sequential rules with recent popularity behind them. See `BlendModel` for what a query
/// costs.
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
        let split = MetricSplit(log)
        let validation = Validation(split.training, descriptions)
        var plan = BlendPlan(terms: Self.usual, report: TrainingReport())
        if validation.questionCount >= Limits.validationQueriesMin {
            plan = try BlendPlan.chosen(validation) { progress(0.05 + 0.65 * $0) }
        }
        if !split.tests.isEmpty {
            // The matrices that were validated know nothing of those who are asked either.
            let measured = try plan.train(split.training, descriptions, rows: plan.validated) {
                progress(0.7 + 0.05 * $0)
            }
            plan.report.metrics = split.measure(measured, excludesSeen: validation.excludesSeen)
            plan.validated = [:]
        }
        let segments = UserSegments(set, log, users: log.users)
        return try plan.train(log, descriptions, segments) { progress(0.75 + 0.25 * $0) }
    }

    package func decode(_ artifact: [UInt8]) throws(RecipeError) -> any TrainedModel {
        try BlendModel(artifact)
    }
}
