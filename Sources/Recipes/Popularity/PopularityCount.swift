import Primitives

/// Ranks items by how many distinct users touched them.
///
/// score_i = |{u : i ∈ h_u}|, an exact whole number. Training O(interactions), live O(1) an event,
/// a query O(items). The recipe of Amazon Personalize of this name.
package struct PopularityCount: Recipe {
    package init() {}

    package var identifier: String { "popularity-count" }

    package func emptyModel() -> any TrainedModel { PopularityModel() }

    package func train(
        _ set: any TrainingSet,
        progress: (Double) -> Bool
    ) throws(RecipeError) -> any TrainedModel {
        let model = PopularityModel()
        model.itemCountGrew(to: set.itemCount)
        var counts = [Float](repeating: 0, count: set.itemCount)
        var lastUser = [UInt32](repeating: .max, count: set.itemCount)
        try TrainingLoop.run(over: set, progress: progress) { user, history in
            for interaction in history {
                let item = Int(interaction.item.rawValue)
                if lastUser[item] != user.rawValue {
                    lastUser[item] = user.rawValue
                    counts[item] += 1
                }
            }
        }
        model.weights.update { $0 = counts }
        return model
    }

    package func decode(_ artifact: [UInt8]) throws(RecipeError) -> any TrainedModel {
        var reader = try ArtifactReader(artifact, tag: PopularityModel.tag)
        let count = try reader.count(of: 4)
        var values: [Float] = []
        for _ in 0..<count { values.append(try reader.float()) }
        try reader.end()
        let model = PopularityModel()
        model.weights.update { $0 = values }
        return model
    }
}

/// The counts; all of the model is its live part.
final class PopularityModel: TrainedModel, LivePart {
    static let tag: UInt32 = 0x3143_5042
    let weights = ItemWeights()

    var live: any LivePart { self }

    func rank(_ query: borrowing RankingQuery, scratch: RankingScratch) {
        let values = weights.current
        scratch.begin(itemCount: values.count)
        scratch.take(prior: values, scale: 1, query: query) { _, _ in .popular }
    }

    func encode(into writer: ByteWriter) {
        let values = weights.current
        let artifact = ArtifactWriter(writer, tag: Self.tag)
        artifact.put(UInt32(values.count))
        for value in values { artifact.put(value) }
    }

    func observe(_ change: HistoryChange) { add(1, change) }
    func retract(_ change: HistoryChange) { add(-1, change) }

    private func add(_ delta: Float, _ change: HistoryChange) {
        guard change.isOnlyOneOfItem else { return }
        let item = Int(change.window[change.index].item.rawValue)
        weights.update { $0[item] += delta }
    }

    func itemCountGrew(to itemCount: Int) {
        weights.grow(to: itemCount)
    }
}
