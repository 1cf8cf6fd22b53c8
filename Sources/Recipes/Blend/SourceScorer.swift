import Primitives

/// Scores all items by one source.
///
/// For the validation, which looks at each source alone; serving adds them up in `BlendModel`.
struct SourceScorer {
    let source: BlendSource
    /// Of a linear source.
    var rows = SparseRows()

    /// The score of every item into `scores`, 0 before; returns the largest, 0 at least.
    func score(
        _ weights: HistoryWeights,
        _ live: LiveCounts,
        into scores: inout [Float]
    ) -> Float {
        switch source {
        case .rules(let shape):
            guard let rules = live.rules(shape) else { return 0 }
            Self.add(rules, weights, scale: 1, to: &scores)
            return Kernels.largest(scores)
        case .logRules(let shape):
            guard let rules = live.rules(shape) else { return 0 }
            Self.add(rules, weights, scale: 1, to: &scores)
            return Self.takeLog(&scores, Kernels.largest(scores), source.floor)
        case .linear(let model):
            Self.add(rows, model.recency, weights, scale: 1, to: &scores)
            return Kernels.largest(scores)
        case .popularity:
            guard let counts = live.trends.first?.parts.counts else { return 0 }
            Kernels.addDense(counts, 1, to: &scores)
            return Kernels.largest(scores)
        case .trend(let hours):
            guard let parts = live.trend(hours)?.parts else { return 0 }
            Kernels.addDense(parts.recent, 1, to: &scores)
            Kernels.addDense(parts.counts, parts.floor, to: &scores)
            return Kernels.largest(scores)
        case .logTrend(let hours):
            guard let parts = live.trend(hours)?.parts else { return 0 }
            Kernels.addDense(parts.recent, 1, to: &scores)
            Kernels.addDense(parts.counts, parts.floor, to: &scores)
            return Self.takeLog(&scores, Kernels.largest(scores), source.floor)
        case .sessions: return live.sessions?.add(weights, scale: 1, to: &scores) ?? 0
        case .content:
            live.content.add(
                weights,
                recency: BlendSource.contentRecency,
                scale: 1,
                to: &scores
            )
            return Kernels.largest(scores)
        }
    }

    /// Adds scale · w_τ(h) · A / sqrt(row sums).
    static func add(
        _ rules: SequentialRules,
        _ weights: HistoryWeights,
        scale: Float,
        to scores: inout [Float]
    ) {
        weights.forEach(recency: rules.shape.recency) { item, weight in
            guard let row = rules.row(of: item) else { return }
            let factor = scale * weight / Float(row.sum).squareRoot()
            Kernels.add(row.pairs, upTo: row.highest, factor, to: &scores)
        }
    }

    /// Adds scale · w_τ(h) · B.
    static func add(
        _ rows: SparseRows,
        _ recency: Float,
        _ weights: HistoryWeights,
        scale: Float,
        to scores: inout [Float]
    ) {
        weights.forEach(recency: recency) { item, weight in
            Kernels.add(rows, rows.row(Int(item)), scale * weight, to: &scores)
        }
    }

    private static func takeLog(_ scores: inout [Float], _ largest: Float, _ floor: Float?) -> Float
    {
        guard largest > 0, let floor else { return 0 }
        Kernels.scaleLog(&scores, factor: 1 / largest, floor: floor, weight: 1)
        return 1
    }
}
