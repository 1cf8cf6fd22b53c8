import Primitives
import Synchronization

/// A weighted sum of sources, with live counts; what answers for `user-personalization`.
///
/// score_j = Σ_t weight_t · s_t(j) / scale_t. Trained matrices that share a τ are one matrix here,
/// so a query reads one row a history item for each τ and for each shape of rules, and a number an
/// item for all dense sources together, which are added up again only when one of them has changed:
/// O(rows · 200 + items). For users of whom little is known what users alike touched is added
/// (`UserSegments`).
final class BlendModel: TrainedModel, LivePart {
    static let tag: UInt32 = 0x3650_5542
    /// Of an artifact with own columns of interactions; others are what they were without any.
    static let contextTag: UInt32 = 0x3750_5542

    /// Trained rows for one weighting of histories.
    struct Pass {
        var recency: Float
        var rows: SparseRows
    }

    let terms: [BlendTerm]
    let passes: [Pass]
    let counts: LiveCounts
    /// For users of whom little else is known.
    let segments: UserSegments
    /// Where the validation chose own columns of interactions.
    let context: ContextLifts?
    /// The time that the training's data spans; 0 without a choice.
    private let spanMS: Int64
    private let training: TrainingReport
    /// Tells its priors from those of other models.
    private let serial = BlendModel.serials.add(1, ordering: .relaxed).newValue
    private static let serials = Atomic<UInt64>(0)

    init(
        terms: [BlendTerm],
        passes: [Pass],
        spanMS: Int64,
        report: TrainingReport,
        content: ContentIndex = ContentIndex(.cold),
        segments: UserSegments = UserSegments(),
        context: ContextLifts? = nil
    ) {
        self.segments = segments
        self.context = context
        self.spanMS = spanMS
        self.terms = terms
        self.passes = passes
        training = report
        var shapes: [RuleShape] = []
        var hours = [RecentPopularity.usualHalfLifeHours]
        for term in terms {
            switch term.source {
            case .rules(let shape), .logRules(let shape): shapes.append(shape)
            case .trend(let half), .logTrend(let half): hours.append(half)
            case .linear, .popularity, .content, .sessions: break
            }
        }
        counts = LiveCounts(
            shapes: RuleShape.allCases.filter { shapes.contains($0) },
            hours: Set(hours).sorted(by: >),
            spanMS: spanMS,
            content: content,
            sessions: terms.contains { $0.source == .sessions } ? SessionNeighbours() : nil
        )
    }

    var live: any LivePart { self }
    var report: TrainingReport? { training }
    var userTokensBelow: Int { UserSegments.eventsMax }

    var byteCount: Int {
        passes.reduce(counts.byteCount + (context?.byteCount ?? 0)) { $0 + $1.rows.byteCount }
    }

    // MARK: Ranking

    func rank(_ query: borrowing RankingQuery, scratch: RankingScratch) {
        // The changes are counted before the numbers are read: what comes between is read, and
        // then read again.
        let stamp = PriorStamp(model: serial, changes: counts.trendChanges)
        scratch.begin(query.history, itemCount: counts.itemCount, stamp: stamp) { scratch in
            for term in terms { addDense(term, scratch) }
        }
        let unit = addRules(scratch)
        for pass in passes { scratch.add(pass.rows, recency: pass.recency, scale: unit) }
        for term in terms where term.source == .sessions {
            if let sessions = counts.sessions {
                scratch.add(sessions, scale: unit * term.weight / term.scale)
            }
        }
        for term in terms where term.source == .content {
            let scale = unit * term.weight / term.scale
            if query.unfamiliar.isEmpty {
                scratch.add(counts.content, scale: scale)
            } else {
                scratch.add(counts.content, scale: scale, likenessOf: query.unfamiliar)
            }
        }
        let alike = unit * UserSegments.weight(afterEvents: query.history.count)
        if alike > 0, !query.userTokens.isEmpty {
            segments.forEach(query.userTokens) { scratch.add(alike * $1, to: $0) }
        }
        let isKnown = !query.history.isEmpty
        if let context, !query.context.isEmpty {
            scratch.lift(by: context, query.context, scale: unit)
        }
        scratch.take(scale: unit, query: query) { item, scratch in
            isKnown && scratch.scores[item] > 0 ? .sequence : .popular
        }
    }

    /// Adds the rules' scores; returns what one unit of the other terms is in theirs.
    private func addRules(_ scratch: RankingScratch) -> Float {
        var unit: Float = 1
        // What is scaled by its own largest score comes first, while the scores are its alone.
        for term in terms where term.isRelative {
            guard let shape = term.source.ruleShape, let rules = counts.rules(shape) else {
                continue
            }
            scratch.add(rules, scale: 1)
            let largest = scratch.largest
            guard largest > 0 else { continue }
            if let floor = term.source.floor {
                scratch.takeLog(largest, floor: floor, weight: term.weight)
            } else {
                unit = largest / term.weight
            }
        }
        for term in terms where !term.isRelative {
            guard let shape = term.source.ruleShape, let rules = counts.rules(shape) else {
                continue
            }
            scratch.add(rules, scale: unit * term.weight / term.scale)
        }
        return unit
    }

    /// Adds what every item has without a history, scaled to a largest of `weight`.
    func addDense(_ term: BlendTerm, _ scratch: RankingScratch) {
        switch term.source {
        case .rules, .logRules, .linear, .content, .sessions: break
        case .popularity:
            scratch.addPrior(counts.trends[0].parts.counts, [], 0, weight: term.weight)
        case .trend(let hours):
            guard let parts = counts.trend(hours)?.parts else { return }
            scratch.addPrior(parts.recent, parts.counts, parts.floor, weight: term.weight)
        case .logTrend(let hours):
            guard let parts = counts.trend(hours)?.parts else { return }
            scratch.addLogPrior(
                parts.recent,
                parts.counts,
                parts.floor,
                inside: term.source.floor ?? 0,
                weight: term.weight
            )
        }
    }

    // MARK: Following the facts

    func observe(_ change: HistoryChange) {
        counts.change(change, sign: 1)
    }

    func retract(_ change: HistoryChange) {
        counts.change(change, sign: -1)
    }

    var readsContext: Bool { context != nil }

    func observe(_ change: HistoryChange, in context: [ContextValue]) {
        observe(change)
        self.context?.count(change.window[change.index].item, context, sign: 1)
    }

    func retract(_ change: HistoryChange, in context: [ContextValue]) {
        retract(change)
        self.context?.count(change.window[change.index].item, context, sign: -1)
    }

    func itemCountGrew(to itemCount: Int) { counts.grow(to: itemCount) }

    var readsItems: Bool { true }

    func describe(_ item: ItemIndex, _ tokens: [ItemToken]) {
        counts.content.describe(item, tokens)
    }

    // MARK: Artifact

    func encode(into writer: ByteWriter) {
        let artifact = ArtifactWriter(writer, tag: context == nil ? Self.tag : Self.contextTag)
        artifact.put(UInt32(terms.count))
        for term in terms { term.encode(into: artifact) }
        artifact.put(UInt32(passes.count))
        for pass in passes {
            artifact.put(pass.recency)
            pass.rows.encode(into: artifact)
        }
        artifact.put(UInt64(spanMS))
        training.encode(into: artifact)
        counts.content.encode(into: artifact)
        segments.encode(into: artifact)
        context?.encode(into: artifact)
        counts.encode(into: artifact)
    }

    convenience init(_ bytes: [UInt8]) throws(RecipeError) {
        var reader = try ArtifactReader(bytes, tags: [Self.tag, Self.contextTag])
        var terms: [BlendTerm] = []
        for _ in 0..<(try reader.count(of: 9)) { terms.append(try BlendTerm(&reader)) }
        var passes: [Pass] = []
        for _ in 0..<(try reader.count(of: 8)) {
            let recency = try reader.float()
            guard recency > 0 else { throw ArtifactReader.damaged("a recency is not positive") }
            passes.append(Pass(recency: recency, rows: try SparseRows(&reader)))
        }
        let span = Int64(clamping: try reader.number(UInt64.self))
        let report = try TrainingReport(&reader)
        let content = try ContentIndex(.cold, &reader)
        let segments = try UserSegments(&reader)
        // Counts take 16 bytes an item at least.
        let context: ContextLifts? =
            reader.tag == Self.contextTag
            ? try ContextLifts(&reader, itemCount: bytes.count / 16) : nil
        self.init(
            terms: terms,
            passes: passes,
            spanMS: span,
            report: report,
            content: content,
            segments: segments,
            context: context
        )
        try counts.decode(&reader)
        try reader.end()
    }
}
