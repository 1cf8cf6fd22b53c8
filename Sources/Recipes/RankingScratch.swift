import Primitives

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
    /// One score an item; of the ranking under way.
    private(set) var scores: [Float] = []
    private var heap: [UInt64] = []
    /// One popularity an item, where the recipe has it.
    private(set) var prior: [Float] = []
    private var items: [UInt32] = []
    private var best: [Float] = []

    package init() {}

    /// All scores are 0 from here on.
    ///
    /// O(items).
    func begin(itemCount: Int) {
        scores.removeAll(keepingCapacity: true)
        scores.append(contentsOf: repeatElement(0, count: itemCount))
        top.removeAll(keepingCapacity: true)
        partition = nil
    }

    /// Adds to the score of one item.
    func add(_ value: Float, to item: Int) {
        if item < scores.count { scores[item] += value }
    }

    /// The same, with the popularity of all items in `prior`.
    func begin(popularity parts: RecentPopularity.Parts) {
        let itemCount = min(parts.recent.count, parts.counts.count)
        begin(itemCount: itemCount)
        if prior.count != itemCount { prior = [Float](repeating: 0, count: itemCount) }
        Kernels.combine(parts.recent, parts.counts, parts.floor, into: &prior)
    }

    /// Adds a row's weights; returns the largest score that came of it.
    func accumulate(_ row: SequentialRules.Row, _ weight: Float) -> Float {
        Kernels.add(row.pairs, weight / Float(row.sum).squareRoot(), to: &scores)
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
        let count = Kernels.top(
            scores: scores,
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
                scores: scores,
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
