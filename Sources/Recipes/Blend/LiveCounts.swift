import Primitives

/// The parts of a blend that follow the facts: rules of some shapes, popularity of some half-lives.
///
/// Counts only: observing events one by one is counting them all. O(K) rows an event for each shape
/// of rules, O(1) for each half-life.
final class LiveCounts: Sendable {
    let rules: [SequentialRules]
    let trends: [RecentPopularity]
    let content: ContentIndex
    /// Where a blend has them.
    let sessions: SessionNeighbours?

    init(
        shapes: [RuleShape],
        hours: [Int32],
        spanMS: Int64,
        content: ContentIndex = ContentIndex(.cold),
        sessions: SessionNeighbours? = nil
    ) {
        self.sessions = sessions
        self.content = content
        rules = shapes.map { SequentialRules(shape: $0) }
        trends = hours.map { RecentPopularity(halfLifeHours: $0, spanMS: spanMS) }
    }

    func rules(_ shape: RuleShape) -> SequentialRules? { rules.first { $0.shape == shape } }

    func trend(_ hours: Int32) -> RecentPopularity? { trends.first { $0.halfLifeHours == hours } }

    /// An event at `index` of `window` is new (`sign` 1), or goes (`sign` -1).
    func change(_ change: HistoryChange, sign: Int64) {
        count(change.window, at: change.index, sign: sign)
        sessions?.change(change.user, change.window, at: change.index, sign: sign)
    }

    private func count(_ window: [Interaction], at index: Int, sign: Int64) {
        for rules in rules { rules.change(window, at: index, sign: sign) }
        for trend in trends { trend.add(window[index], sign: Double(sign)) }
        content.count(window[index].item, sign: sign)
    }

    func grow(to itemCount: Int) {
        for trend in trends { trend.grow(to: itemCount) }
        content.grow(to: itemCount)
    }

    var byteCount: Int { rules.reduce(0) { $0 + $1.byteCount } }

    /// How often a trend has changed; never the same for two states of them.
    var trendChanges: UInt64 { trends.reduce(0) { $0 &+ $1.changes } }

    var itemCount: Int { trends.reduce(0) { max($0, $1.itemCount) } }

    func encode(into artifact: ArtifactWriter) {
        for trend in trends { trend.encode(into: artifact) }
        for rules in rules { rules.encode(into: artifact) }
        sessions?.encode(into: artifact)
    }

    /// Into counts of the same shapes and half-lives.
    func decode(_ reader: inout ArtifactReader) throws(RecipeError) {
        for trend in trends { try trend.decode(&reader) }
        for rules in rules { try rules.decode(&reader, itemCount: itemCount) }
        try sessions?.decode(&reader, itemCount: itemCount)
    }

    /// Counts all events of a log.
    func load(_ log: InteractionLog, progress: (Double) -> Bool) throws(RecipeError) {
        for place in 0..<log.eventCount {
            try TrainingLoop.step(place, of: log.eventCount, progress)
            let (window, index) = window(log, place)
            count(window, at: index, sign: 1)
        }
        sessions?.load(log)
    }

    /// Counts an event of a log, the last so far of its history.
    func add(_ log: InteractionLog, place: Int) {
        let (window, index) = window(log, place)
        count(window, at: index, sign: 1)
        let user = log.user(of: Int(log.ownerOf[place]))
        sessions?.change(user, window, at: index, sign: 1)
    }

    private func window(_ log: InteractionLog, _ place: Int) -> ([Interaction], Int) {
        let start = max(log.history(of: Int(log.ownerOf[place])).lowerBound, place - reach)
        return ((start...place).map { log.interaction($0) }, place - start)
    }

    private var reach: Int {
        max(rules.map(\.distanceMax).max() ?? 0, sessions == nil ? 0 : SessionTail.lengthMax)
    }
}
