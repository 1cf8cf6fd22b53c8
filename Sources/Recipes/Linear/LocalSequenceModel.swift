import Primitives

/// A linear sequence model of any size: SLIST, solved for each target among its likeliest sources.
///
/// With G = α XᵀX + (1−α) SᵀS and C = α XᵀX + (1−α) SᵀT (see `SequenceWindow`), each target j
/// takes the nb sources N of the largest C_ij / sqrt(G_ii), itself left out, and solves
/// (G_NN + λI) b = C_Nj; B_ij = b_i. α = 1 forgets the order: an EASE of any size. The score
/// w_τ(h) · B is a prediction of what comes next in units of one occurrence.
///
/// Training O(m · nb³/3) and the pairs, memory O(m · nb); a query one row an item. Dense form:
/// SLIST (Choi, Kim, Lee, Shim, Lee, WWW 2021).
package struct LocalSequenceModel: Hashable, Sendable {
    var alpha: Double
    var delta: Double
    var ridge: Float
    var sourceCount: Int

    package init(alpha: Double, delta: Double, ridge: Float, sourceCount: Int) {
        self.alpha = alpha
        self.delta = delta
        self.ridge = ridge
        self.sourceCount = sourceCount
    }

    package func train(
        _ counter: PairCounter,
        progress: (Double) -> Bool
    ) throws(RecipeError) -> SparseRows {
        let itemCount = counter.log.itemCount
        let window = SequenceWindow(delta: delta)
        let gram = try Gram(counter, alpha: Float(alpha), window) { progress(0.3 * $0) }
        let inverseRoots = gram.diagonal.map { $0 > 0 ? 1 / $0.squareRoot() : 0 }
        let ahead = window.before.map { Float(1 - alpha) * $0 }
        var part = [Float](repeating: 0, count: sourceCount * sourceCount)
        var places = [Int32](repeating: -1, count: itemCount)
        var columns = SparseRows()
        for target in 0..<itemCount {
            try TrainingLoop.step(target, of: itemCount) { progress(0.3 + 0.7 * $0) }
            counter.addSets(of: target, scale: Float(alpha))
            if alpha < 1 { counter.addBefore(target, weights: ahead) }
            let sources = Kernels.bestSources(
                counter,
                inverseRoots: inverseRoots,
                excluding: UInt32(target),
                limit: sourceCount
            )
            let right = sources.map { counter[$0] }
            counter.clear()
            let weights = gram.solve(sources, right, ridge: ridge, &part, &places)
            var column: [WeightedItem] = []
            for (source, weight) in zip(sources, weights) where weight != 0 {
                column.append(WeightedItem(item: source, weight: weight))
            }
            columns.append(row: column)
        }
        return columns.transposed(limit: Limits.neighboursMax)
    }
}

/// G = α XᵀX + (1−α) SᵀS: whole where it fits, else the largest entries of each row.
struct Gram {
    let diagonal: [Float]
    private let itemCount: Int
    private var full: [Float] = []
    private var rows = SparseRows()

    init(
        _ counter: PairCounter,
        alpha: Float,
        _ window: SequenceWindow,
        progress: (Double) -> Bool
    ) throws(RecipeError) {
        itemCount = counter.log.itemCount
        let isFull = itemCount <= Limits.fullGramItemsMax
        if isFull { full = [Float](repeating: 0, count: itemCount * itemCount) }
        var diagonal = [Float](repeating: 0, count: itemCount)
        for item in 0..<itemCount {
            try TrainingLoop.step(item, of: itemCount, progress)
            counter.addSets(of: item, scale: alpha)
            if alpha < 1 { counter.addAround(item, window, scale: 1 - alpha) }
            diagonal[item] = counter[UInt32(item)]
            if isFull {
                for other in counter.touched {
                    full[item * itemCount + Int(other)] = counter[other]
                }
            } else {
                let row = counter.touched.map {
                    WeightedItem(item: $0, weight: counter[$0])
                }
                rows.append(row: SparseRows.cut(row, Limits.pairRowMax))
            }
            counter.clear()
        }
        self.diagonal = diagonal
    }

    /// Solves (G_NN + λI) b = c; a part that was cut too much gets a larger λ.
    func solve(
        _ chosen: [UInt32],
        _ right: [Float],
        ridge: Float,
        _ part: inout [Float],
        _ places: inout [Int32]
    ) -> [Float] {
        guard !chosen.isEmpty else { return [] }
        var ridge = ridge
        for _ in 0..<6 {
            if full.isEmpty {
                Kernels.gather(rows, &places, chosen, ridge: ridge, into: &part)
            } else {
                Kernels.gather(full, itemCount, chosen, ridge: ridge, into: &part)
            }
            var solution = right
            if Kernels.solve(&part, &solution) { return solution }
            ridge *= 4
        }
        return right.map { _ in 0 }
    }
}
