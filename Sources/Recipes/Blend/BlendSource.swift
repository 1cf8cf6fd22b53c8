import Primitives

/// One way to score items, of those that a blend may be made of.
enum BlendSource: Hashable, Sendable {
    /// `SequentialRules`, live, as a sum over the history.
    case rules(RuleShape)
    /// The same, by its logarithm: log(r / max r + 0.1).
    case logRules(RuleShape)
    /// A trained matrix.
    case linear(LinearModel)
    /// How often an item was touched, live.
    case popularity
    /// `RecentPopularity` with this half-life in hours, live.
    case trend(hours: Int32)
    /// The same, by its logarithm: log(c / max c + 1e-4).
    case logTrend(hours: Int32)
    /// `ContentIndex`, live: what few events say something of, by its record.
    case content
    /// `SessionNeighbours`, live.
    case sessions

    /// What people are shown, such as `rules(exp, 1.5)`.
    var name: String {
        switch self {
        case .rules(let shape): "rules(\(shape.name))"
        case .logRules(let shape): "log-rules(\(shape.name))"
        case .linear(let model): model.name
        case .popularity: "popularity"
        case .trend(let hours): "trend(\(hours)h)"
        case .logTrend(let hours): "log-trend(\(hours)h)"
        case .content: "content"
        case .sessions: "sessions"
        }
    }

    var ruleShape: RuleShape? {
        switch self {
        case .rules(let shape), .logRules(let shape): shape
        case .linear, .popularity, .trend, .logTrend, .content, .sessions: nil
        }
    }

    /// Whether items score without a history.
    var isForAll: Bool {
        switch self {
        case .popularity, .trend, .logTrend: true
        case .rules, .logRules, .linear, .content, .sessions: false
        }
    }

    var isLogRules: Bool {
        switch self {
        case .logRules: true
        case .rules, .linear, .popularity, .trend, .logTrend, .content, .sessions: false
        }
    }

    /// Whether the score is a sum over a history whose scale can be told once and for all.
    var hasConstantScale: Bool {
        switch self {
        case .rules, .linear, .content, .sessions: true
        case .logRules, .popularity, .trend, .logTrend: false
        }
    }

    /// What is added inside the logarithm.
    var floor: Float? {
        switch self {
        case .logRules: 0.1
        case .logTrend: 1e-4
        case .rules, .linear, .popularity, .trend, .content, .sessions: nil
        }
    }
}

extension BlendSource {
    /// τ of content: tastes last longer than what comes next, and not for ever.
    static let contentRecency: Float = 5
}

/// How far rules look and how they forget: one of two shapes that held everywhere.
enum RuleShape: UInt8, Hashable, Sendable, CaseIterable {
    /// Films and baskets: ω(k) = 1/k up to 10 events ahead, τ = 2.
    case harmonic = 0
    /// Sessions and reviews: ω(k) = e^(−(k−1)/3) up to 20 events ahead, τ = 1.5.
    case exponential = 1

    var name: String {
        switch self {
        case .harmonic: "1/k, τ=2"
        case .exponential: "exp, τ=1.5"
        }
    }

    /// How many events back still count when a history is weighted.
    var recency: Float {
        switch self {
        case .harmonic: 2
        case .exponential: 1.5
        }
    }

    /// ω(k) in units of `SequentialRules.unit`, at k; 0 at 0.
    var weights: [Int64] {
        switch self {
        case .harmonic:
            [0] + (1...10).map { Int64(SequentialRules.unit) / $0 }
        case .exponential:
            [0]
                + (0..<20).map { back in
                    let share = Elementary.exp(-Double(back) / 3)
                    return max(1, Int64((Double(SequentialRules.unit) * share).rounded()))
                }
        }
    }
}

/// A trained matrix with the recency that histories are weighted with.
struct LinearModel: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// What was touched is touched again: B = I.
        case repeats
        case neighbours(shrinkage: Float)
        case local(LocalSequenceModel)
        case dense(DenseSequenceModel)
    }

    var kind: Kind
    /// τ.
    var recency: Float

    var name: String {
        switch kind {
        case .repeats: "repeats(τ=\(recency))"
        case .neighbours(let shrinkage): "knn(s=\(shrinkage), τ=\(recency))"
        case .local(let model):
            model.alpha < 1
                ? "local(α=\(model.alpha), nb=\(model.sourceCount), τ=\(recency))"
                : "long(nb=\(model.sourceCount), τ=\(recency))"
        case .dense(let model):
            model.alpha < 1 ? "slist(α=\(model.alpha), τ=\(recency))" : "ease(τ=\(recency))"
        }
    }

    func train(
        _ counter: PairCounter,
        progress: (Double) -> Bool
    ) throws(RecipeError) -> SparseRows {
        switch kind {
        case .repeats: SparseRows(identityOf: counter.log.itemCount)
        case .neighbours(let shrinkage):
            try ItemNeighbours(shrinkage: shrinkage).train(counter, progress: progress)
        case .local(let model): try model.train(counter, progress: progress)
        case .dense(let model): try model.train(counter, progress: progress)
        }
    }
}
