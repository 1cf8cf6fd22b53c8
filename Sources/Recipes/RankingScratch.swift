import Primitives

/// Of what model a prior is and after which of its changes.
struct PriorStamp: Equatable {
    /// No other model of the process has it.
    let model: UInt64
    let changes: UInt64
}

/// The reused memory of one reactor's rankings.
///
/// Confined to one thread.
package final class RankingScratch {
    /// The answer, best first.
    package private(set) var top: [RankedItem] = []
    /// Whether whoever asks wants `partition`; it costs a pass over the items.
    package var wantsPartition = false
    /// What the softmax of the answer's scores divides by; see `ScoreScale`.
    private(set) var partition: Double?
    /// How alike the records of the query's `unfamiliar` items are to the history, in their order.
    ///
    /// 0...1, negative without a record. Empty where records say nothing of the history.
    package private(set) var likeness: [Float] = []
    /// One score an item; of the ranking under way.
    private(set) var scores: [Float] = []
    private var heap: [UInt64] = []
    /// What an item scores without a history, where the recipe has it.
    private(set) var prior: [Float] = []
    /// Whose prior it is, when the next ranking may find it as it was.
    private var priorStamp: PriorStamp?
    /// One dense source, before it is scaled; or what own columns of the question say.
    private var part: [Float] = []
    /// Scores with the prior, once own columns have changed them.
    private var lifted: [Float] = []
    private var isLifted = false
    let weights = HistoryWeights()
    private var items: [UInt32] = []
    private var best: [Float] = []

    package init() {}

    /// All scores are 0 from here on.
    ///
    /// O(items).
    func begin(itemCount: Int) {
        Kernels.zero(&scores, count: itemCount)
        top.removeAll(keepingCapacity: true)
        likeness.removeAll(keepingCapacity: true)
        partition = nil
        isLifted = false
    }

    /// Adds to the score of one item.
    func add(_ value: Float, to item: Int) {
        if item < scores.count { scores[item] += value }
    }

    /// The same, with the weights of a history and no prior.
    func begin(_ history: Span<Interaction>, itemCount: Int) {
        begin(itemCount: itemCount)
        beginPrior(nil)
        weights.begin(history)
    }

    /// The same with the prior of `stamp`: the last ranking's if it is still that, else made anew
    /// by `fill`.
    ///
    /// O(1) for the prior while nothing that it counts has changed.
    func begin(
        _ history: Span<Interaction>,
        itemCount: Int,
        stamp: PriorStamp,
        fill: (RankingScratch) -> Void
    ) {
        begin(itemCount: itemCount)
        weights.begin(history)
        if priorStamp == stamp, prior.count == itemCount { return }
        beginPrior(stamp)
        fill(self)
    }

    private func beginPrior(_ stamp: PriorStamp?) {
        priorStamp = stamp
        Kernels.zero(&prior, count: scores.count)
    }

    /// Adds scale · w_τ(h) · A / sqrt(row sums).
    func add(_ rules: SequentialRules, scale: Float) {
        SourceScorer.add(rules, weights, scale: scale, to: &scores)
    }

    /// Adds scale · w_τ(h) · B.
    func add(_ rows: SparseRows, recency: Float, scale: Float) {
        SourceScorer.add(rows, recency, weights, scale: scale, to: &scores)
    }

    /// Adds scale · what came near the same items in sessions alike.
    func add(_ sessions: SessionNeighbours, scale: Float) {
        _ = sessions.add(weights, scale: scale, to: &scores)
    }

    /// Adds scale · what records say of items that events say little of.
    func add(_ content: ContentIndex, scale: Float) {
        content.add(weights, recency: BlendSource.contentRecency, scale: scale, to: &scores)
    }

    /// The same, and says how alike some items are to the history.
    func add(_ content: ContentIndex, scale: Float, likenessOf items: [UInt32]) {
        guard !content.isEmpty else { return }
        for item in items { likeness.append(Int(item) < scores.count ? scores[Int(item)] : 0) }
        add(content, scale: scale)
        guard !weights.tokens.touched.isEmpty else {
            return likeness.removeAll(keepingCapacity: true)
        }
        for (place, item) in items.enumerated() where Int(item) < scores.count {
            likeness[place] = (scores[Int(item)] - likeness[place]) / scale
        }
        content.complete(&likeness, of: items, weights.tokens)
    }

    /// Adds scale · how alike the records of items are to one's.
    func add(_ content: ContentIndex, like item: ItemIndex, scale: Float) {
        content.add(like: item.rawValue, scale: scale, &weights.tokens, to: &scores)
    }

    /// The largest score, 0 at least.
    var largest: Float { Kernels.largest(scores) }

    /// Replaces the scores by their logarithms, the largest of which is `weight`.
    func takeLog(_ largest: Float, floor: Float, weight: Float) {
        Kernels.scaleLog(&scores, factor: 1 / largest, floor: floor, weight: weight)
    }

    /// Adds first + factor · second to the prior, scaled to a largest of `weight`.
    func addPrior(_ first: [Float], _ second: [Float], _ factor: Float, weight: Float) {
        begin(part: first)
        Kernels.addDense(second, factor, to: &part)
        let largest = Kernels.largest(part)
        if largest > 0 { Kernels.addDense(part, weight / largest, to: &prior) }
    }

    /// The same of the logarithms, with `floor` added inside them.
    func addLogPrior(
        _ first: [Float],
        _ second: [Float],
        _ factor: Float,
        inside floor: Float,
        weight: Float
    ) {
        begin(part: first)
        Kernels.addDense(second, factor, to: &part)
        let largest = Kernels.largest(part)
        guard largest > 0 else { return }
        Kernels.scaleLog(&part, factor: 1 / largest, floor: floor, weight: weight)
        Kernels.addDense(part, 1, to: &prior)
    }

    private func begin(part values: [Float]) {
        part.removeAll(keepingCapacity: true)
        part.append(contentsOf: values)
    }

    /// What the own columns of a question do to scores + scale · prior, from here on.
    func lift(by context: ContextLifts, _ values: [ContextValue], scale: Float) {
        Kernels.zero(&part, count: scores.count)
        guard context.add(values, to: &part) else { return }
        Kernels.zero(&lifted, count: scores.count)
        Kernels.lift(
            scores,
            prior,
            scale: scale,
            part,
            isFactor: context.isFactor,
            into: &lifted
        )
        isLifted = true
    }

    /// Fills `top` with the best of scores + scale · prior, given in units of `scale`.
    func take(
        scale: Float,
        query: borrowing RankingQuery,
        reason: (Int, RankingScratch) -> RankingReason
    ) {
        take(prior: prior, scale: scale, factor: 1 / scale, query: query, reason: reason)
    }

    /// Fills `top` with the best of (scores + scale · prior) · factor.
    func take(
        prior: [Float],
        scale: Float,
        factor: Float = 1,
        query: borrowing RankingQuery,
        reason: (Int, RankingScratch) -> RankingReason
    ) {
        if items.count < query.count {
            heap = [UInt64](repeating: 0, count: query.count)
            items = [UInt32](repeating: 0, count: query.count)
            best = [Float](repeating: 0, count: query.count)
        }
        let sums = isLifted ? lifted : scores
        let scale = isLifted ? 0 : scale
        let count = Kernels.top(
            scores: sums,
            prior: prior,
            scale: scale,
            candidates: query.candidates.words,
            limit: query.count,
            heap: &heap,
            items: &items,
            best: &best
        )
        if wantsPartition, count > 0 {
            partition = Kernels.softmaxSum(
                scores: sums,
                prior: prior,
                scale: scale,
                candidates: query.candidates.words,
                largest: best[0]
            )
        }
        for index in 0..<count {
            top.append(
                RankedItem(
                    item: ItemIndex(items[index]),
                    score: best[index] * factor,
                    reason: reason(Int(items[index]), self)
                )
            )
        }
    }
}
