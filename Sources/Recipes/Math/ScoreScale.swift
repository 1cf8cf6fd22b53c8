import CKernels
import Primitives

/// What makes a model's sums comparable numbers from 0 to 1: a softmax.
///
/// score(s) = e^(κ · (s − S) / |S|) / Σ_j e^(κ · (s_j − S) / |S|), κ = 10, S the best of the
/// answer's sums, j over the stated set. Rising in s, so an order by one is an order by the other;
/// dividing by S makes it the same for models whose sums have different ranges.
package struct ScoreScale: Sendable {
    static let sharpness: Float = 10
    private let largest: Float
    private var partition: Double

    /// Over the items that a ranking returned.
    package init(over items: [RankedItem]) {
        largest = items.first?.score ?? 0
        let scale = Self.scale(largest)
        let first = largest
        partition = items.reduce(0) { sum, item in
            sum + Double(Elementary.exp(scale * (item.score - first)))
        }
    }

    /// Over all candidates of a ranking, where the model said what they add up to.
    package init(_ ranking: RankingScratch) {
        self.init(over: ranking.top)
        if let sum = ranking.partition { partition = sum }
    }

    /// 0 to 1.
    package func score(_ sum: Float) -> Double {
        guard partition > 0 else { return 0 }
        // The exponentials of a sum of one term differ in their last bits.
        return min(Double(Elementary.exp(Self.scale(largest) * (sum - largest))) / partition, 1)
    }

    /// κ / |S|; sums that are all 0 are all alike.
    static func scale(_ largest: Float) -> Float {
        sharpness / max(abs(largest), .leastNormalMagnitude * 1e8)
    }
}

extension Kernels {
    /// Σ e^(κ · (s − S) / |S|) over the candidates, s = `scores + scale · prior`, S = `largest`.
    static func softmaxSum(
        scores: [Float],
        prior: [Float],
        scale: Float,
        candidates: Span<UInt64>,
        largest: Float
    ) -> Double {
        precondition(prior.count <= scores.count)
        return unsafe candidates.withUnsafeBufferPointer { words in
            unsafe bowerbird_softmax_sum(
                scores,
                prior,
                scale,
                prior.count,
                words.baseAddress,
                words.count,
                largest,
                ScoreScale.scale(largest)
            )
        }
    }
}
