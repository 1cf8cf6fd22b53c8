package import Primitives

/// What a model's sum for one item is made of.
///
/// The sums are linear in the history's entries (or told as if: a logarithm is shared out as what
/// it is of), so the shares add up to the whole: Σ shares = Σ weight · score = the model's sum.
package struct ScoreExplanation: Sendable {
    /// One term of the sum.
    package struct Component: Hashable, Sendable {
        /// Such as `sequential rules`.
        package var name: String
        package var weight: Double
        /// weight · score is what it adds.
        package var score: Double

        package init(name: String, weight: Double, score: Double) {
            self.name = name
            self.weight = weight
            self.score = score
        }
    }

    /// What one entry of the history adds; of no entry: what an item has without a history.
    package struct Share: Hashable, Sendable {
        /// The place in the history that the question carried.
        package var entry: Int?
        package var amount: Double

        package init(entry: Int?, amount: Double) {
            self.entry = entry
            self.amount = amount
        }
    }

    package var components: [Component]
    package var shares: [Share]

    package init(components: [Component] = [], shares: [Share] = []) {
        self.components = components
        self.shares = shares
    }

    /// What the components add up to.
    package var sum: Double { components.reduce(0) { $0 + $1.weight * $1.score } }
}

extension TrainedModel {
    /// The whole as one term: what a model says that has no more to tell.
    package func explain(
        _ item: ItemIndex,
        _ query: borrowing RankingQuery,
        scratch: RankingScratch
    ) -> ScoreExplanation {
        var only = ItemBitmap()
        only.insert(Int(item.rawValue))
        let words = only.words
        rank(
            RankingQuery(
                history: query.history,
                candidates: ItemBitmapView(words: words.span),
                count: 1,
                item: query.item
            ),
            scratch: scratch
        )
        guard let ranked = scratch.top.first else { return ScoreExplanation() }
        let sum = Double(ranked.score)
        return ScoreExplanation(
            components: [.init(name: "model", weight: 1, score: sum)],
            shares: [.init(entry: nil, amount: sum)]
        )
    }
}
