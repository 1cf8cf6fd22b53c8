import Primitives

/// Which sources with which weights: what the choice decides and the training carries out.
struct BlendPlan {
    var terms: [BlendTerm]
    var report: TrainingReport
    /// The chosen matrices as they were validated: trained on what came before the cut.
    var validated: [LinearModel: SparseRows] = [:]
    /// What own columns of interactions add; `nil`: nothing.
    var context: ContextChoice?

    /// Trains every affordable source on what came before the cut, and chooses.
    static func chosen(
        _ validation: Validation,
        progress: (Double) -> Bool
    ) throws(RecipeError) -> BlendPlan {
        let sources = BlendCandidates.affordable(
            validation.training,
            hasContent: !validation.descriptions.isEmpty
        )
        let counter = PairCounter(validation.training)
        var scorers: [SourceScorer] = []
        for (index, source) in sources.enumerated() {
            var scorer = SourceScorer(source: source)
            if case .linear(let model) = source {
                scorer.rows = try model.train(counter) { done in
                    progress(0.7 * (Double(index) + done) / Double(sources.count))
                }
            }
            scorers.append(scorer)
        }
        var questions: [Validation.Question] = []
        let ways = validation.excludesSeen ? [true] : [true, false]
        for (index, excludesSeen) in ways.enumerated() {
            questions += try validation.questions(
                scorers,
                BlendCandidates.liveCounts(validation.training, validation.descriptions),
                excludesSeen: excludesSeen,
                limit: Limits.validationQueriesMax / ways.count
            ) { done in progress(0.7 + 0.25 * (Double(index) + done) / Double(ways.count)) }
        }
        let columns = validation.training.contextTable.columns
        let chooser = BlendChooser(sources, questions, contextColumnCount: columns.count)
        let choice = chooser.choose()
        guard progress(1) else { throw RecipeError(.cancelled, "the training was stopped") }
        let candidates = zip(sources, choice.alone).map {
            TrainingReport.Candidate(name: $0.name, ndcgAt10: $1)
        }
        var validated: [LinearModel: SparseRows] = [:]
        for scorer in scorers {
            if case .linear(let model) = scorer.source,
                choice.terms.contains(where: { $0.source == scorer.source })
            {
                validated[model] = scorer.rows
            }
        }
        return BlendPlan(
            terms: choice.terms,
            report: TrainingReport(
                chosen: choice.terms.map { term in
                    TrainingReport.Candidate(
                        name: term.source.name,
                        weight: Double(term.weight),
                        ndcgAt10: candidates.first { $0.name == term.source.name }?.ndcgAt10 ?? 0
                    )
                } + (choice.context?.candidates(columns) ?? []),
                candidates: candidates.sorted { $0.ndcgAt10 > $1.ndcgAt10 },
                blendNDCGAt10: choice.quality,
                questionCount: questions.count
            ),
            validated: validated,
            context: choice.context
        )
    }

    /// Trains the chosen sources on everything; matrices of one τ become one.
    ///
    /// `rows` are matrices that are there already; with them, none is trained. Of a model that
    /// `isAlone` nothing is added that was not chosen.
    func train(
        _ log: InteractionLog,
        _ descriptions: ItemDescriptions = ItemDescriptions(),
        _ segments: UserSegments = UserSegments(),
        rows known: [LinearModel: SparseRows]? = nil,
        isAlone: Bool = false,
        progress: (Double) -> Bool
    ) throws(RecipeError) -> BlendModel {
        var parts: [Float: [(rows: SparseRows, scale: Float)]] = [:]
        let linear = terms.compactMap { term -> (LinearModel, Float)? in
            guard case .linear(let model) = term.source else { return nil }
            return (model, term.weight / term.scale)
        }
        let counter = linear.isEmpty || known != nil ? nil : PairCounter(log)
        for (index, (model, scale)) in linear.enumerated() {
            let rows: SparseRows?
            if let known {
                rows = known[model]
            } else {
                rows = try counter.map { counter throws(RecipeError) in
                    try model.train(counter) { done in
                        progress(0.9 * (Double(index) + done) / Double(linear.count))
                    }
                }
            }
            if let rows { parts[model.recency, default: []].append((rows, scale)) }
        }
        let passes = parts.keys.sorted().map { recency in
            BlendModel.Pass(
                recency: recency,
                rows: .merged(parts[recency] ?? [], limit: Limits.neighboursMax)
            )
        }
        var kept = terms.filter {
            $0.source.ruleShape != nil || !$0.source.hasConstantScale || $0.source == .content
                || $0.source == .sessions
        }
        // Records may come later.
        if !isAlone, !kept.contains(where: { $0.source == .content }) {
            kept.append(UserPersonalization.usualContent)
        }
        let model = BlendModel(
            terms: kept,
            passes: passes,
            spanMS: report.questionCount > 0 ? log.spanMS : 0,
            report: report,
            content: ContentIndex(.cold, rarity: descriptions.rarity),
            segments: segments,
            context: context.map { ContextLifts($0, log) }
        )
        model.itemCountGrew(to: log.itemCount)
        for item in 0..<descriptions.itemCount {
            model.describe(ItemIndex(UInt32(item)), descriptions.tokens(of: item))
        }
        try model.counts.load(log) { progress(0.9 + 0.1 * $0) }
        return model
    }
}

/// What a blend may be made of, by what the data can afford.
enum BlendCandidates {
    /// Below it, a request is taken to exclude what its user touched.
    static let repeatShareMin = 0.05
    static let hours: [Int32] = [720, 72, 12, 2]

    static func affordable(_ log: InteractionLog, hasContent: Bool = false) -> [BlendSource] {
        var sources: [BlendSource] = []
        for shape in RuleShape.allCases { sources += [.rules(shape), .logRules(shape)] }
        sources.append(.popularity)
        for half in hours { sources += [.trend(hours: half), .logTrend(hours: half)] }
        let linear: [LinearModel] = [
            LinearModel(kind: .repeats, recency: 1.5),
            LinearModel(kind: .repeats, recency: 20),
            LinearModel(kind: .neighbours(shrinkage: 10), recency: 1.5),
            LinearModel(kind: .neighbours(shrinkage: 10), recency: 4),
            LinearModel(kind: .neighbours(shrinkage: 10), recency: 20),
            LinearModel(
                kind: .local(
                    LocalSequenceModel(alpha: 0.4, delta: 1.5, ridge: 8, sourceCount: 80)
                ),
                recency: 1.5
            ),
            LinearModel(
                kind: .local(
                    LocalSequenceModel(alpha: 0.12, delta: 4, ridge: 30, sourceCount: 150)
                ),
                recency: 4
            ),
            LinearModel(
                kind: .local(
                    LocalSequenceModel(alpha: 1, delta: 1, ridge: 50, sourceCount: 150)
                ),
                recency: 20
            ),
            LinearModel(
                kind: .dense(DenseSequenceModel(alpha: 0.15, delta: 4, ridge: 100)),
                recency: 4
            ),
            LinearModel(kind: .dense(.ease), recency: 20),
        ]
        if hasContent { sources.append(.content) }
        if log.eventCount <= Limits.sessionLengthMax * log.ownerCount { sources.append(.sessions) }
        return sources + linear.map { .linear($0) }
    }

    static func liveCounts(
        _ log: InteractionLog,
        _ descriptions: ItemDescriptions
    ) -> LiveCounts {
        let counts = LiveCounts(
            shapes: RuleShape.allCases,
            hours: hours,
            spanMS: log.spanMS,
            content: ContentIndex(.cold, rarity: descriptions.rarity),
            sessions: SessionNeighbours()
        )
        for item in 0..<descriptions.itemCount {
            counts.content.describe(ItemIndex(UInt32(item)), descriptions.tokens(of: item))
        }
        return counts
    }
}
