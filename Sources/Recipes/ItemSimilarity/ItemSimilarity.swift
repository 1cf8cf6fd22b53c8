import Primitives

/// What goes together with an item: the recipes `similar-items` and `sims`.
///
/// score_j = C[i, j] / n_j^e for the seed item i, n_j = Σ C[j, ·], over the j with C[i, j] at least
/// the least count; scaled to a maximum of 1, plus β · popularity_j (its distinct users), scaled
/// likewise; `similar-items` also adds γ · (f_i · f_j), how alike the records are
/// (`ContentIndex`), so that an item without events has neighbours, and is one. e = 0 puts what is
/// popular first, e = ½ is the cosine but for a constant, e = 1 asks for correlation alone. An
/// item of which nothing is known is answered by popularity. See `CooccurrenceCounts` and
/// `DistinctUsers`. Training O(K · interactions), live O(K) rows an event, a query O(row + items).
package struct ItemSimilarity: Recipe {
    /// β: popularity orders what the counts leave equal, and fills the list behind them.
    static let popularityShare: Float = 0.01
    /// γ: like records count for less than standing together often.
    static let contentShare: Float = 0.3

    /// The settings of one of the two recipes.
    package struct Parameters: Hashable, Sendable {
        package var identifier: String
        /// e.
        package var discount: Float
        /// What fewer events say is taken for chance.
        package var minimumCount: UInt32
        /// Whether records count.
        package var readsItems = false

        /// Half of the way to correlation and further with the discount factor, which is 0 here by
        /// default; one event is enough to say something.
        package static let similarItems = similarItems(popularityDiscountFactor: 0)

        /// As documented of `sims`.
        package static let sims = Parameters(identifier: "sims", discount: 0.5, minimumCount: 3)

        package static func similarItems(popularityDiscountFactor: Float) -> Parameters {
            var parameters = Parameters(
                identifier: "similar-items",
                discount: 0.5 + 0.5 * popularityDiscountFactor,
                minimumCount: 1
            )
            parameters.readsItems = true
            return parameters
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
        let descriptions = parameters.readsItems ? ItemDescriptions(set) : ItemDescriptions()
        let model = ItemSimilarityModel(
            parameters,
            ContentIndex(.all, rarity: descriptions.rarity)
        )
        model.itemCountGrew(to: set.itemCount)
        for item in 0..<descriptions.itemCount {
            model.describe(ItemIndex(UInt32(item)), descriptions.tokens(of: item))
        }
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
        let model = ItemSimilarityModel(parameters, try ContentIndex(.all, &reader))
        try model.popularity.decode(&reader)
        try model.counts.decode(&reader, itemCount: model.popularity.counts.count)
        try reader.end()
        return model
    }
}

/// Counts and popularity; all of the model is its live part.
final class ItemSimilarityModel: TrainedModel, LivePart {
    static let tag: UInt32 = 0x3253_5042
    let counts = CooccurrenceCounts()
    let popularity = DistinctUsers()
    private let parameters: ItemSimilarity.Parameters
    private let content: ContentIndex

    init(
        _ parameters: ItemSimilarity.Parameters,
        _ content: ContentIndex = ContentIndex(.all)
    ) {
        self.parameters = parameters
        self.content = content
    }

    var live: any LivePart { self }

    func rank(_ query: borrowing RankingQuery, scratch: RankingScratch) {
        let prior = popularity.counts
        scratch.begin(itemCount: prior.count)
        let largest = addRelated(to: query.item, scratch)
        let factor: Float = largest > 0 ? 1 / largest : 1
        if parameters.readsItems, let item = query.item {
            scratch.add(content, like: item, scale: ItemSimilarity.contentShare / factor)
        }
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
        content.encode(into: artifact)
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
        content.grow(to: itemCount)
    }

    var readsItems: Bool { parameters.readsItems }

    func describe(_ item: ItemIndex, _ tokens: [ItemToken]) { content.describe(item, tokens) }
}
