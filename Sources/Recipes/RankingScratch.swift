import Primitives

/// The reused memory of one reactor's rankings.
///
/// Confined to one thread.
package final class RankingScratch {
    /// The answer, best first.
    package private(set) var top: [RankedItem] = []
    /// One score an item; of the ranking under way.
    private(set) var scores: [Float] = []
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
    }

    /// Adds a row's weights; returns the largest score that came of it.
    ///
    /// One access to the storage a row: an access a pair would cost more than the addition.
    func accumulate(_ row: SequentialRules.Row, _ weight: Float, itemCount: Int) -> Float {
        let scale = weight / Float(row.sum).squareRoot()
        let pairs = row.pairs
        return unsafe scores.withUnsafeMutableBufferPointer { scores in
            var largest: Float = 0
            for pair in pairs where pair.item < itemCount {
                let score = unsafe scores[Int(pair.item)] + scale * Float(pair.weight)
                unsafe scores[Int(pair.item)] = score
                if score > largest { largest = score }
            }
            return largest
        }
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
            items = [UInt32](repeating: 0, count: query.count)
            best = [Float](repeating: 0, count: query.count)
        }
        let count = Kernels.top(
            scores: scores,
            prior: prior,
            scale: scale,
            candidates: query.candidates.words,
            limit: query.count,
            items: &items,
            best: &best
        )
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
