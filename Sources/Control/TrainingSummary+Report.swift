import Recipes
import Resources

extension TrainingSummary {
    /// What a recipe says of its training.
    init(_ report: TrainingReport?) {
        self.init()
        guard let report else { return }
        components = report.chosen.map(Self.model)
        candidates = report.candidates.map(Self.model)
        questionCount = Int64(report.questionCount)
        ndcgAt10 = report.blendNDCGAt10
        metrics = report.metrics
    }

    private static func model(_ candidate: TrainingReport.Candidate) -> Model {
        Model(name: candidate.name, weight: candidate.weight, ndcgAt10: candidate.ndcgAt10)
    }

    /// Of a version that goes on with another's model: its choice, but nothing was measured.
    var choice: TrainingSummary {
        var copy = self
        copy.metrics = [:]
        return copy
    }
}
