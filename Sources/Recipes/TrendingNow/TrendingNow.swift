import Primitives

/// What more happens to now than just before: the recipe `trending-now`.
///
/// score_i = (n_i − b_i) / sqrt(n_i + b_i + 1) where that is positive, n_i the events of item i in
/// the newest window and b_i those in the window before: the growth in units of its own chance, so
/// that three events more of a rare item count for more than three of a popular one. Scaled to a
/// maximum of 1, plus β · popularity_i (its distinct users), scaled likewise, which fills the list
/// behind what grows and is the whole answer when nothing does. See `WindowCounts` and
/// `DistinctUsers`. Live O(1) an event, a query O(items).
package struct TrendingNow: Recipe {
    /// β: popularity orders what grows alike, and fills the list behind it.
    static let popularityShare: Float = 0.01
    /// `trend_discovery_frequency`: 2 hours, as documented.
    package static let defaultWindowMS: Int64 = 2 * 3_600_000

    private let windowMS: Int64

    package init(windowMS: Int64 = TrendingNow.defaultWindowMS) {
        self.windowMS = windowMS
    }

    package var identifier: String { "trending-now" }

    package func emptyModel() -> any TrainedModel { TrendingModel(windowMS: windowMS) }

    package func train(
        _ set: any TrainingSet,
        progress: (Double) -> Bool
    ) throws(RecipeError) -> any TrainedModel {
        let model = TrendingModel(windowMS: windowMS)
        model.itemCountGrew(to: set.itemCount)
        try TrainingLoop.run(over: set, progress: progress) { _, history in
            for interaction in history { model.windows.add(interaction, sign: 1) }
            model.popularity.add(history)
        }
        return model
    }

    /// How much of the growth of the newest window was foretold by what was known before it.
    ///
    /// `trend_prediction_accuracy`: Σ max(0, n_i − b_i) over the 25 items that a model recommends
    /// that knows nothing of the newest window, divided by that of the 25 items that grew most; n_i
    /// the events of item i in the newest window, b_i in the one before. 0 where nothing grew;
    /// absent where there are no two windows.
    package func ownMetrics(_ log: InteractionLog) -> [String: Double] {
        guard let newest = log.times.max(), let oldest = log.times.min(),
            newest - oldest >= 2 * windowMS
        else { return [:] }
        let model = TrendingModel(windowMS: windowMS)
        model.itemCountGrew(to: log.itemCount)
        var growth = [Double](repeating: 0, count: log.itemCount)
        var known = ItemBitmap()
        for owner in 0..<log.ownerCount {
            var history: [Interaction] = []
            for place in log.history(of: owner) {
                let age = newest - log.times[place]
                let item = Int(log.items[place])
                guard age >= windowMS else {
                    growth[item] += 1
                    continue
                }
                if age < 2 * windowMS { growth[item] -= 1 }
                history.append(log.interaction(place))
                known.insert(item)
            }
            for entry in history { model.windows.add(entry, sign: 1) }
            model.popularity.add(history)
        }
        let scratch = RankingScratch()
        let nobody: [Interaction] = []
        let words = known.words
        model.rank(
            RankingQuery(
                history: nobody.span,
                candidates: ItemBitmapView(words: words.span),
                count: RankingMetrics.depth
            ),
            scratch: scratch
        )
        let foretold = scratch.top.reduce(0) { $0 + max(0, growth[Int($1.item.rawValue)]) }
        let best = growth.sorted(by: >).prefix(RankingMetrics.depth).reduce(0) { $0 + max(0, $1) }
        return ["trend_prediction_accuracy": best > 0 ? foretold / best : 0]
    }

    package func decode(_ artifact: [UInt8]) throws(RecipeError) -> any TrainedModel {
        var reader = try ArtifactReader(artifact, tag: TrendingModel.tag)
        let model = TrendingModel(windowMS: windowMS)
        try model.popularity.decode(&reader)
        try model.windows.decode(&reader)
        try reader.end()
        return model
    }
}

/// Windows and popularity; all of the model is its live part.
final class TrendingModel: TrainedModel, LivePart {
    static let tag: UInt32 = 0x3154_5042
    let windows: WindowCounts
    let popularity = DistinctUsers()

    init(windowMS: Int64) {
        windows = WindowCounts(windowMS: windowMS)
    }

    var live: any LivePart { self }

    func rank(_ query: borrowing RankingQuery, scratch: RankingScratch) {
        let prior = popularity.counts
        scratch.begin(itemCount: prior.count)
        var largest: Float = 0
        for growth in windows.growths where growth.now > growth.before {
            let sum = Float(growth.now) + Float(growth.before) + 1
            let score = Float(growth.now - growth.before) / sum.squareRoot()
            scratch.add(score, to: Int(growth.item))
            largest = max(largest, score)
        }
        let factor: Float = largest > 0 ? 1 / largest : 1
        let most = Kernels.largest(prior)
        let share = most > 0 ? TrendingNow.popularityShare / most : 0
        scratch.take(prior: prior, scale: share / factor, factor: factor, query: query) {
            item,
            scratch in
            scratch.scores[item] > 0 ? .trending : .popular
        }
    }

    func encode(into writer: ByteWriter) {
        let artifact = ArtifactWriter(writer, tag: Self.tag)
        popularity.encode(into: artifact)
        windows.encode(into: artifact)
    }

    func observe(_ change: HistoryChange) { apply(change, sign: 1) }
    func retract(_ change: HistoryChange) { apply(change, sign: -1) }

    private func apply(_ change: HistoryChange, sign: Int64) {
        windows.add(change.window[change.index], sign: sign)
        popularity.follow(change, sign: Float(sign))
    }

    func itemCountGrew(to itemCount: Int) {
        popularity.grow(to: itemCount)
    }
}
