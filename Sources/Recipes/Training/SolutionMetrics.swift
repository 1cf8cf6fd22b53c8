import Primitives

/// Histories split as Personalize documents it: nine of ten users train, the tenth is asked; of
/// its history the oldest nine tenths are input, the newest tenth, one event at least, is truth.
///
/// Users are taken in the order of the training set, so the same data is split alike.
struct MetricSplit {
    struct Test {
        var input: [Interaction]
        /// Distinct items.
        var truth: Set<UInt32>
    }

    private(set) var training: InteractionLog
    private(set) var tests: [Test] = []
    /// Distinct items of all histories.
    private(set) var items = ItemBitmap()

    init(_ log: InteractionLog) {
        training = InteractionLog(forEventsOf: log)
        // Of the users to be asked, every so manieth is.
        let step = max(1, log.ownerCount / 10 / Limits.metricUsersMax)
        for owner in 0..<log.ownerCount {
            let history = log.history(of: owner)
            let entries = history.map { log.interaction($0) }
            for entry in entries { items.insert(Int(entry.item.rawValue)) }
            guard owner % 10 == Self.asked(owner / 10), entries.count > 1 else {
                training.append(history, of: log)
                continue
            }
            guard owner / 10 % step == 0 else { continue }
            let cut = min(entries.count - 1, Int((Double(entries.count) * 0.9).rounded(.up)))
            let input = Array(entries[..<cut])
            tests.append(Test(input: input, truth: Set(entries[cut...].map(\.item.rawValue))))
        }
    }

    /// Which of ten users: any, so that what repeats among users is not mistaken for all.
    private static func asked(_ ten: Int) -> Int {
        Int((UInt64(ten) &* 0x9e37_79b9_7f4a_7c15) >> 32 % 10)
    }

    /// Asks a model that was trained on `training`, or a part of it, and compares with what came.
    ///
    /// An item that no training history has may not be in a list; nor one of the input, where
    /// `excludesSeen` says that hardly any comes again.
    func measure(_ model: any TrainedModel, excludesSeen: Bool) -> [String: Double] {
        var known = ItemBitmap()
        for item in training.items { known.insert(Int(item)) }
        let scratch = RankingScratch()
        var scores = RankingMetrics()
        var recommended = ItemBitmap()
        var count = 0
        for test in tests {
            var candidates = known
            let seen = excludesSeen ? Set(test.input.map(\.item.rawValue)) : []
            let truth = test.truth.subtracting(seen)
            guard !truth.isEmpty else { continue }
            count += 1
            for item in seen { candidates.remove(Int(item)) }
            let words = candidates.words
            let history = Array(test.input.suffix(Limits.queryHistoryMax))
            model.rank(
                RankingQuery(
                    history: history.span,
                    candidates: ItemBitmapView(words: words.span),
                    count: RankingMetrics.depth,
                    item: history.last?.item
                ),
                scratch: scratch
            )
            let list = scratch.top.map(\.item.rawValue)
            for item in list { recommended.insert(Int(item)) }
            scores.add(list.map { truth.contains($0) })
        }
        guard count > 0, training.eventCount > 0 else { return [:] }
        var metrics = scores.means
        metrics["coverage"] = Double(recommended.count) / Double(max(1, items.count))
        return metrics
    }
}

/// Means over lists of which it is known what was right in them.
struct RankingMetrics {
    /// Items of a list.
    static let depth = 25
    private static let cuts = [5, 10, 25]

    private var count = 0
    private var sums: [String: Double] = [:]

    /// One list, best first: whether each of its items came.
    ///
    /// NDCG@K = Σ 1/log(1 + place) over the hits among K, divided by that of as many hits at the
    /// top; precision@K = hits among K / K; the reciprocal rank is of the first hit, 0 without one.
    mutating func add(_ isHit: [Bool]) {
        count += 1
        let first = isHit.prefix(Self.depth).firstIndex(of: true)
        sums["mean_reciprocal_rank_at_25", default: 0] += first.map { 1 / Double($0 + 1) } ?? 0
        for cut in Self.cuts {
            let hits = isHit.prefix(cut).enumerated().filter(\.element).map(\.offset)
            let gain = hits.reduce(0) { $0 + Self.gain($1) }
            let ideal = hits.indices.reduce(0) { $0 + Self.gain($1) }
            sums["normalized_discounted_cumulative_gain_at_\(cut)", default: 0] +=
                hits.isEmpty ? 0 : gain / ideal
            sums["precision_at_\(cut)", default: 0] += Double(hits.count) / Double(cut)
        }
    }

    private static func gain(_ index: Int) -> Double { 1 / Elementary.log2(Double(index + 2)) }

    /// By the names of GetSolutionMetrics.
    var means: [String: Double] { sums.mapValues { $0 / Double(max(1, count)) } }
}

extension Recipe {
    /// What it is worth on the documented split; trains once more, on nine tenths of the users.
    ///
    /// For recipes whose training does not say it itself. Empty where too few users have two
    /// events.
    package func metrics(
        of set: any TrainingSet,
        progress: (Double) -> Bool
    ) throws(RecipeError) -> [String: Double] {
        let log = try InteractionLog(set) { progress(0.3 * $0) }
        let split = MetricSplit(log)
        let own = ownMetrics(log)
        guard !split.tests.isEmpty else { return own }
        let part = LogTrainingSet(split.training, records: set)
        return split.measure(
            try train(part) { progress(0.3 + 0.7 * $0) },
            excludesSeen: Validation(log).excludesSeen
        ).merging(own) { $1 }
    }
}

/// A log as a training set, with the records of another.
private final class LogTrainingSet: TrainingSet {
    private let log: InteractionLog
    private let records: any TrainingSet

    init(_ log: InteractionLog, records: any TrainingSet) {
        self.log = log
        self.records = records
    }

    var itemCount: Int { log.itemCount }
    var userCount: Int { log.ownerCount }
    var interactionCount: Int { log.eventCount }

    func forEachHistory(_ body: (UserIndex, [Interaction]) -> Bool) {
        for owner in 0..<log.ownerCount {
            let history = log.history(of: owner).map { log.interaction($0) }
            guard body(UserIndex(UInt32(owner)), history) else { return }
        }
    }

    func tokens(of item: ItemIndex) -> [ItemToken] { records.tokens(of: item) }
}
