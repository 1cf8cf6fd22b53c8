import Primitives

/// What tends to follow a history, with recent popularity behind it.
///
/// score_j = Σ_i e^(−age(i)/τ) · A[i, j] / sqrt(Σ A[i, ·]), scaled to a maximum of 1, plus
/// β · popularity_j, scaled likewise; age(i) counts events back from the newest, over the last 20.
/// Without a history only popularity speaks. Training O(K · interactions), live O(K) rows an event,
/// a query O(20 rows + items). See `SequentialRules` and `RecentPopularity`.
package struct UserPersonalization: Recipe {
    /// τ: how many events back still count.
    static let recency: Float = 2
    /// β: popularity orders what the rules leave equal, and fills the list behind them.
    static let popularityShare: Float = 0.05
    static let historyMax = 20

    package init() {}

    package var identifier: String { "user-personalization" }

    package func emptyModel() -> any TrainedModel { BlendModel() }

    package func train(
        _ set: any TrainingSet,
        progress: (Double) -> Bool
    ) throws(RecipeError) -> any TrainedModel {
        let model = BlendModel()
        model.itemCountGrew(to: set.itemCount)
        try TrainingLoop.run(over: set, progress: progress) { _, history in
            for index in history.indices {
                let start = max(0, index - SequentialRules.distanceMax)
                model.rules.change(
                    Array(history[start...index]),
                    at: index - start,
                    sign: 1
                )
                model.popularity.add(history[index], sign: 1)
            }
        }
        return model
    }

    package func decode(_ artifact: [UInt8]) throws(RecipeError) -> any TrainedModel {
        var reader = try ArtifactReader(artifact, tag: BlendModel.tag)
        let model = BlendModel()
        try model.popularity.decode(&reader)
        try model.rules.decode(
            &reader,
            itemCount: model.popularity.parts.recent.count
        )
        try reader.end()
        return model
    }
}

/// Rules and popularity; all of the model is its live part.
final class BlendModel: TrainedModel, LivePart {
    static let tag: UInt32 = 0x3250_5542
    let rules = SequentialRules()
    let popularity = RecentPopularity()

    var live: any LivePart { self }

    func rank(_ query: borrowing RankingQuery, scratch: RankingScratch) {
        scratch.begin(popularity: popularity.parts)
        let prior = scratch.prior
        let history = query.history
        var largest: Float = 0
        var weight: Float = 1
        let decay = Elementary.exp(-1 / UserPersonalization.recency)
        for back in 0..<min(history.count, UserPersonalization.historyMax) {
            let item = history[history.count - 1 - back].item.rawValue
            if let row = rules.row(of: item), row.sum > 0 {
                largest = max(largest, scratch.accumulate(row, weight))
            }
            weight *= decay
        }
        // Scaling the few that are chosen by 1 / largest is scaling all: the order is the same.
        let factor: Float = largest > 0 ? 1 / largest : 1
        let most = Kernels.largest(prior)
        let share = most > 0 ? UserPersonalization.popularityShare / most : 0
        scratch.take(prior: prior, scale: share / factor, factor: factor, query: query) {
            item,
            scratch in
            scratch.scores[item] > 0 ? .sequence : .popular
        }
    }

    func explain(
        _ item: ItemIndex,
        _ query: borrowing RankingQuery,
        scratch: RankingScratch
    ) -> ScoreExplanation {
        scratch.begin(popularity: popularity.parts)
        let prior = scratch.prior
        let history = query.history
        var largest: Float = 0
        var weight: Float = 1
        let decay = Elementary.exp(-1 / UserPersonalization.recency)
        var shares: [ScoreExplanation.Share] = []
        for back in 0..<min(history.count, UserPersonalization.historyMax) {
            let place = history.count - 1 - back
            if let row = rules.row(of: history[place].item.rawValue), row.sum > 0 {
                largest = max(largest, scratch.accumulate(row, weight))
                if let pair = row.pairs.first(where: { $0.item == item.rawValue }) {
                    let amount = Double(weight * Float(pair.weight) / Float(row.sum).squareRoot())
                    shares.append(.init(entry: place, amount: amount))
                }
            }
            weight *= decay
        }
        let factor = largest > 0 ? 1 / Double(largest) : 1
        for index in shares.indices { shares[index].amount *= factor }
        let sequence = shares.reduce(0) { $0 + $1.amount }
        let most = Double(Kernels.largest(prior))
        let liked = Int(item.rawValue) < prior.count ? Double(prior[Int(item.rawValue)]) : 0
        let share = Double(UserPersonalization.popularityShare)
        let popular = most > 0 ? liked / most : 0
        if popular > 0 { shares.append(.init(entry: nil, amount: share * popular)) }
        return ScoreExplanation(
            components: [
                .init(name: "sequential rules", weight: 1, score: sequence),
                .init(name: "popularity", weight: share, score: popular),
            ],
            shares: shares
        )
    }

    func encode(into writer: ByteWriter) {
        let artifact = ArtifactWriter(writer, tag: Self.tag)
        popularity.encode(into: artifact)
        rules.encode(into: artifact)
    }

    func observe(_ change: HistoryChange) { apply(change, sign: 1) }
    func retract(_ change: HistoryChange) { apply(change, sign: -1) }

    private func apply(_ change: HistoryChange, sign: Int64) {
        rules.change(change.window, at: change.index, sign: sign)
        popularity.add(change.window[change.index], sign: Double(sign))
    }

    func itemCountGrew(to itemCount: Int) {
        popularity.grow(to: itemCount)
    }
}
