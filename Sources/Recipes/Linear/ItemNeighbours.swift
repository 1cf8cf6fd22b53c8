import Primitives

/// Item-item neighbours: items that the same owners touched.
///
/// B_ij = G_ij / (sqrt(G_ii · G_jj) + s), G = XᵀX over distinct items of an owner, the best
/// `Limits.neighboursMax` a row; 0 ≤ B_ij < 1. s shrinks what few owners say. Order comes in when a
/// history is weighted by recency: w_τ(h) · B. Training O(Σ L²), a query one row an item.
/// Sarwar, Karypis, Konstan, Riedl (WWW 2001); the recency weighting is ours.
package struct ItemNeighbours {
    var shrinkage: Float

    package init(shrinkage: Float) {
        self.shrinkage = shrinkage
    }

    package func train(
        _ counter: PairCounter,
        progress: (Double) -> Bool
    ) throws(RecipeError) -> SparseRows {
        let itemCount = counter.log.itemCount
        let roots = (0..<itemCount).map { Float(counter.sets.count(of: $0)).squareRoot() }
        var rows = SparseRows()
        for item in 0..<itemCount {
            try TrainingLoop.step(item, of: itemCount, progress)
            counter.addSets(of: item, scale: 1)
            var row: [WeightedItem] = []
            for other in counter.touched where Int(other) != item {
                let similarity =
                    counter[other] / (roots[item] * roots[Int(other)] + shrinkage)
                row.append(WeightedItem(item: other, weight: similarity))
            }
            counter.clear()
            rows.append(row: SparseRows.cut(row, Limits.neighboursMax))
        }
        return rows
    }
}
