import Primitives

/// One of the models that a blend may be made of, alone: what the automatic choice is measured by.
///
/// Not for serving: nothing stands behind what the model says nothing of.
package struct SingleModel: Recipe {
    private let name: String

    /// The model of this name, as a training's report calls it.
    package init(name: String) {
        self.name = name
    }

    package var identifier: String {
        String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".") ? $0 : "-" })
    }

    package func emptyModel() -> any TrainedModel {
        BlendModel(terms: [], passes: [], spanMS: 0, report: TrainingReport())
    }

    package func train(
        _ set: any TrainingSet,
        progress: (Double) -> Bool
    ) throws(RecipeError) -> any TrainedModel {
        let log = try InteractionLog(set) { progress(0.1 * $0) }
        let descriptions = ItemDescriptions(set)
        let sources = BlendCandidates.affordable(log, hasContent: !descriptions.isEmpty)
        guard let source = sources.first(where: { $0.name == name }) else {
            throw RecipeError(.unknownHyperparameter, "no model is called '\(name)' here")
        }
        var report = TrainingReport()
        // As of a choice: what forgets, forgets by the span of the data.
        report.questionCount = 1
        let scale: Float = source.hasConstantScale ? 1 : 0
        let plan = BlendPlan(
            terms: [BlendTerm(source: source, weight: 1, scale: scale)],
            report: report
        )
        return try plan.train(log, descriptions, isAlone: true) { progress(0.1 + 0.9 * $0) }
    }

    package func decode(_ artifact: [UInt8]) throws(RecipeError) -> any TrainedModel {
        try BlendModel(artifact)
    }
}
