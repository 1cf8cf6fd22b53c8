import Primitives

/// What goes together with an item: the recipes `similar-items` and `sims`.
///
/// score_j = C[i, j] / n_j^e for the seed item i, n_j = Σ C[j, ·], over the j with C[i, j] at least
/// the least count; scaled to a maximum of 1, plus β · popularity_j (its distinct users), scaled
/// likewise. e = 0 puts what is popular first, e = ½ is the cosine but for a constant, e = 1 asks
/// for correlation alone. An unknown item, or one that nothing stands near, is answered by
/// popularity. See `CooccurrenceCounts` and `DistinctUsers`. Training O(K · interactions), live
/// O(K) rows an event, a query O(row + items).
package struct ItemSimilarity: Recipe {
    /// β: popularity orders what the counts leave equal, and fills the list behind them.
    static let popularityShare: Float = 0.01

    /// The settings of one of the two recipes.
    package struct Parameters: Hashable, Sendable {
        package var identifier: String
        /// e.
        package var discount: Float
        /// What fewer events say is taken for chance.
        package var minimumCount: UInt32

        /// Half of the way to correlation and further with the discount factor, which is 0 here by
        /// default; one event is enough to say something.
        package static let similarItems = similarItems(popularityDiscountFactor: 0)

        /// As documented of `sims`.
        package static let sims = Parameters(identifier: "sims", discount: 0.5, minimumCount: 3)

        package static func similarItems(popularityDiscountFactor: Float) -> Parameters {
            Parameters(
                identifier: "similar-items",
                discount: 0.5 + 0.5 * popularityDiscountFactor,
                minimumCount: 1
            )
        }

        package init(identifier: String, discount: Float, minimumCount: UInt32) {
            self.identifier = identifier
            self.discount = discount
            self.minimumCount = minimumCount
        }
    }

    private let parameters: Parameters

    package init(_ parameters: Parameters) {
        self.parameters = parameters
    }

    package var identifier: String { parameters.identifier }

    package func emptyModel() -> any TrainedModel { ItemSimilarityModel(parameters) }

    package func train(
        _ set: any TrainingSet,
        progress: (Double) -> Bool
    ) throws(RecipeError) -> any TrainedModel {
        let model = ItemSimilarityModel(parameters)
        model.itemCountGrew(to: set.itemCount)
        try TrainingLoop.run(over: set, progress: progress) { _, history in
            for index in history.indices {
                let start = max(0, index - CooccurrenceCounts.distanceMax)
                model.counts.change(Array(history[start...index]), at: index - start, sign: 1)
            }
            model.popularity.add(history)
        }
        return model
    }

    package func decode(_ artifact: [UInt8]) throws(RecipeError) -> any TrainedModel {
        var reader = try ArtifactReader(artifact, tag: ItemSimilarityModel.tag)
        let model = ItemSimilarityModel(parameters)
        try model.popularity.decode(&reader)
        try model.counts.decode(&reader, itemCount: model.popularity.counts.count)
        try reader.end()
        return model
    }
}

/// Counts and popularity; all of the model is its live part.
final class ItemSimilarityModel: TrainedModel, LivePart {
    static let tag: UInt32 = 0x3153_5042
    let counts = CooccurrenceCounts()
    let popularity = DistinctUsers()
    private let parameters: ItemSimilarity.Parameters

    init(_ parameters: ItemSimilarity.Parameters) {
        self.parameters = parameters
    }

    var live: any LivePart { self }

    func rank(_ query: borrowing RankingQuery, scratch: RankingScratch) {
        let prior = popularity.counts
        scratch.begin(itemCount: prior.count)
        let largest = addRelated(to: query.item, scratch)
        let factor: Float = largest > 0 ? 1 / largest : 1
        let most = Kernels.largest(prior)
        let share = most > 0 ? ItemSimilarity.popularityShare / most : 0
        scratch.take(prior: prior, scale: share / factor, factor: factor, query: query) {
            item,
            scratch in
            scratch.scores[item] > 0 ? .related : .popular
        }
    }

    /// Returns the largest score, 0 when nothing is related.
    private func addRelated(to item: ItemIndex?, _ scratch: RankingScratch) -> Float {
        guard let item, let row = counts.row(of: item.rawValue) else { return 0 }
        var largest: Float = 0
        for pair in row.pairs where pair.weight >= max(parameters.minimumCount, 1) {
            let sum = Float(max(1, counts.sum(of: pair.item)))
            let score = Float(pair.weight) * Elementary.power(sum, -parameters.discount)
            scratch.add(score, to: Int(pair.item))
            largest = max(largest, score)
        }
        return largest
    }

    func encode(into writer: ByteWriter) {
        let artifact = ArtifactWriter(writer, tag: Self.tag)
        popularity.encode(into: artifact)
        counts.encode(into: artifact)
    }

    func observe(_ change: HistoryChange) { apply(change, sign: 1) }
    func retract(_ change: HistoryChange) { apply(change, sign: -1) }

    private func apply(_ change: HistoryChange, sign: Int64) {
        counts.change(change.window, at: change.index, sign: sign)
        popularity.follow(change, sign: Float(sign))
    }

    func itemCountGrew(to itemCount: Int) {
        popularity.grow(to: itemCount)
    }
}
