import Primitives

/// Closed-form linear models over the most frequent items: SLIST and EASE.
///
/// SLIST (Choi, Kim, Lee, Shim, Lee, WWW 2021), in our form: G = α XᵀX + (1−α) SᵀS + λI,
/// C = α XᵀX + (1−α) SᵀT (see `SequenceWindow`), B = G⁻¹ C; with a zero diagonal,
/// B −= P · diag(B_jj / P_jj), P = G⁻¹. EASE (Steck, WWW 2019) is α = 1: B_ij = −P_ij / P_jj, the
/// diagonal 0.
///
/// n ≤ `Limits.denseItemsMax` items: n³ for P, 2 n³ for the product; three n × n float matrices.
/// Each row is cut to its `Limits.neighboursMax` entries of the largest magnitude. A query is one
/// row an item.
package struct DenseSequenceModel: Hashable, Sendable {
    var alpha: Double
    var delta: Double
    var ridge: Float

    static let ease = DenseSequenceModel(alpha: 1, delta: 1, ridge: 400)

    package init(alpha: Double, delta: Double, ridge: Float) {
        self.alpha = alpha
        self.delta = delta
        self.ridge = ridge
    }

    package func train(
        _ counter: PairCounter,
        progress: (Double) -> Bool
    ) throws(RecipeError) -> SparseRows {
        let chosen = Self.frequentItems(counter.sets, counter.log.itemCount)
        let count = chosen.count
        guard count > 0 else { return Self.rows([], [], counter.log.itemCount) }
        let window = SequenceWindow(delta: delta)
        var place = [Int32](repeating: -1, count: counter.log.itemCount)
        for (index, item) in chosen.enumerated() { place[Int(item)] = Int32(index) }
        var inverse = [Float](repeating: 0, count: count * count)
        for (row, item) in chosen.enumerated() {
            try TrainingLoop.step(row, of: count) { progress(0.2 * $0) }
            counter.addSets(of: Int(item), scale: Float(alpha))
            if alpha < 1 { counter.addAround(Int(item), window, scale: Float(1 - alpha)) }
            Self.take(counter, place, row: row, of: count, into: &inverse)
            inverse[row * count + row] += ridge
        }
        guard progress(0.3), LinearAlgebra.invert(&inverse, count) else {
            throw RecipeError(.cancelled, "the training was stopped")
        }
        guard progress(0.6) else { throw RecipeError(.cancelled, "the training was stopped") }
        guard alpha < 1 else { return Self.rows(Self.ease(inverse, count), chosen, place.count) }
        var columns = [Float](repeating: 0, count: count * count)
        let ahead = window.before.map { Float(1 - alpha) * $0 }
        for (column, item) in chosen.enumerated() {
            try TrainingLoop.step(column, of: count) { progress(0.6 + 0.2 * $0) }
            counter.addSets(of: Int(item), scale: Float(alpha))
            counter.addBefore(Int(item), weights: ahead)
            Self.take(counter, place, row: column, of: count, into: &columns)
        }
        var weights = LinearAlgebra.product(inverse, columns, count)
        for target in 0..<count {
            let start = target * count
            let factor = weights[start + target] / inverse[start + target]
            for source in 0..<count { weights[start + source] -= factor * inverse[start + source] }
            weights[start + target] = 0
        }
        return Self.rows(weights, chosen, place.count)
    }

    /// The items of at least two owners that most owners touched.
    private static func frequentItems(_ sets: ItemSets, _ itemCount: Int) -> [UInt32] {
        (0..<itemCount).filter { sets.count(of: $0) > 1 }
            .sorted { (-sets.count(of: $0), $0) < (-sets.count(of: $1), $1) }
            .prefix(Limits.denseItemsMax)
            .sorted()
            .map { UInt32($0) }
    }

    private static func take(
        _ counter: PairCounter,
        _ place: [Int32],
        row: Int,
        of count: Int,
        into matrix: inout [Float]
    ) {
        for other in counter.touched where place[Int(other)] >= 0 {
            matrix[row * count + Int(place[Int(other)])] = counter[other]
        }
        counter.clear()
    }

    /// Column j of B, at row j: −P_ij / P_jj.
    private static func ease(_ inverse: [Float], _ count: Int) -> [Float] {
        var weights = inverse
        for target in 0..<count {
            let start = target * count
            let factor = -1 / inverse[start + target]
            for source in 0..<count { weights[start + source] *= factor }
            weights[start + target] = 0
        }
        return weights
    }

    /// Rows by source from `columns`, whose row j holds the weights of target j.
    private static func rows(
        _ columns: [Float],
        _ chosen: [UInt32],
        _ itemCount: Int
    ) -> SparseRows {
        var rows = SparseRows()
        var next = 0
        for item in 0..<itemCount {
            guard next < chosen.count, Int(chosen[next]) == item else {
                rows.append(row: [])
                continue
            }
            rows.append(
                row: Kernels.largestColumn(columns, next, chosen, limit: Limits.neighboursMax)
            )
            next += 1
        }
        return rows
    }
}
