import Primitives

/// What a training tried, chose and expects of it.
package struct TrainingReport: Hashable, Sendable {
    /// One model that was validated.
    package struct Candidate: Hashable, Sendable {
        package var name: String
        /// In the blend; 0 outside it.
        package var weight: Double
        /// Mean over the validation's questions, the whole catalogue ranked.
        package var ndcgAt10: Double

        package init(name: String, weight: Double = 0, ndcgAt10: Double) {
            self.name = name
            self.weight = weight
            self.ndcgAt10 = ndcgAt10
        }
    }

    /// What answers: the weighted models, the heaviest first.
    package var chosen: [Candidate]
    /// Every model alone, the best first.
    package var candidates: [Candidate]
    /// NDCG@10 of the blend on the questions that it was chosen on.
    package var blendNDCGAt10: Double
    /// Questions of the validation; 0 when there were too few events to choose by.
    package var questionCount: Int
    /// By the names of GetSolutionMetrics; empty where too few users have two events.
    package var metrics: [String: Double]

    package init(
        chosen: [Candidate] = [],
        candidates: [Candidate] = [],
        blendNDCGAt10: Double = 0,
        questionCount: Int = 0,
        metrics: [String: Double] = [:]
    ) {
        self.metrics = metrics
        self.chosen = chosen
        self.candidates = candidates
        self.blendNDCGAt10 = blendNDCGAt10
        self.questionCount = questionCount
    }

    func encode(into artifact: ArtifactWriter) {
        for list in [chosen, candidates] {
            artifact.put(UInt32(list.count))
            for candidate in list {
                artifact.put(candidate.name)
                artifact.put(candidate.weight)
                artifact.put(candidate.ndcgAt10)
            }
        }
        artifact.put(blendNDCGAt10)
        artifact.put(UInt32(questionCount))
        artifact.put(UInt32(metrics.count))
        for (name, value) in metrics.sorted(by: { $0.key < $1.key }) {
            artifact.put(name)
            artifact.put(value)
        }
    }

    init(_ reader: inout ArtifactReader) throws(RecipeError) {
        var lists: [[Candidate]] = []
        for _ in 0..<2 {
            var list: [Candidate] = []
            for _ in 0..<(try reader.count(of: 20)) {
                let name = try reader.text()
                let weight = try reader.double()
                list.append(
                    Candidate(name: name, weight: weight, ndcgAt10: try reader.double())
                )
            }
            lists.append(list)
        }
        chosen = lists[0]
        candidates = lists[1]
        blendNDCGAt10 = try reader.double()
        questionCount = Int(try reader.number(UInt32.self))
        metrics = [:]
        for _ in 0..<(try reader.count(of: 12)) {
            let name = try reader.text()
            metrics[name] = try reader.double()
        }
    }
}
