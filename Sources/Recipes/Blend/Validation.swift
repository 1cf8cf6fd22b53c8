import Primitives

/// The last tenth of the time, replayed: what each source would have said before each event.
///
/// Sources are trained on what came before; live counts then follow event by event, so a question
/// sees what the server would have seen. Of at most `Limits.validationQueriesMax` questions it
/// keeps the union of the sources' best 50 items with every source's score.
final class Validation {
    /// One question: the sources' scores of a few items, the answer among them.
    struct Question {
        /// `values[s · itemCount + i]`: source s, item i.
        var values: [Float]
        var itemCount: Int
        /// Place of the right answer; `nil` when no source has it among its best.
        var answer: Int?
        /// By source: its largest score.
        var largest: [Float]
        /// Few events speak for the answer, and a record does.
        var isOfNewItem = false
        /// `lifts[c · itemCount + i]`: what column c of the event says of item i; empty where it
        /// says nothing.
        var lifts: [Float] = []
        /// The items, in rising order.
        var items: [UInt32] = []
    }

    /// Best items of each source that are looked at.
    static let depth = 50
    /// The share of the events, by time, that questions come from.
    static let share = 0.1

    private let log: InteractionLog
    /// What came before the cut.
    let training: InteractionLog
    let descriptions: ItemDescriptions
    /// Places of `log` after the cut, by time.
    private let replayed: [Int]
    /// The share of replayed events whose item their user had touched before.
    let repeatShare: Double

    init(_ log: InteractionLog, _ descriptions: ItemDescriptions = ItemDescriptions()) {
        self.log = log
        self.descriptions = descriptions
        let cut = Self.cut(log)
        var training = InteractionLog(forEventsOf: log)
        var replayed: [Int] = []
        var repeats = 0
        for owner in 0..<log.ownerCount {
            let history = log.history(of: owner)
            let places = cut(history)
            training.append(history.lowerBound..<places, of: log)
            replayed += places..<history.upperBound
            for place in places..<history.upperBound
            where log.items[history.lowerBound..<place].contains(log.items[place]) {
                repeats += 1
            }
        }
        replayed.sort { (log.times[$0], $0) < (log.times[$1], $1) }
        self.training = training
        self.replayed = replayed
        repeatShare = Double(repeats) / Double(max(1, replayed.count))
    }

    /// From which place of a history on it is replayed: by time, or the last event where time says
    /// nothing.
    private static func cut(_ log: InteractionLog) -> (Range<Int>) -> Int {
        let times = log.times.sorted()
        let border = times.isEmpty ? 0 : times[Int(Double(times.count) * (1 - share))]
        guard let first = times.first, first < border else {
            return { history in max(history.lowerBound, history.upperBound - 1) }
        }
        return { history in
            history.first { log.times[$0] >= border } ?? history.upperBound
        }
    }

    /// Whether a request is taken to exclude what its user touched.
    var excludesSeen: Bool { repeatShare < BlendCandidates.repeatShareMin }

    var questionCount: Int { min(replayed.count, Limits.validationQueriesMax) }

    /// Replays, and asks every source before every `n`th event; `excludesSeen` as a request may.
    func questions(
        _ scorers: [SourceScorer],
        _ live: LiveCounts,
        excludesSeen: Bool,
        limit: Int,
        progress: (Double) -> Bool
    ) throws(RecipeError) -> [Question] {
        live.grow(to: log.itemCount)
        try live.load(training) { _ in true }
        let contexts = ContextReplay(training)
        var board = ScoreBoard(scorers, itemCount: log.itemCount)
        for place in 0..<training.eventCount { board.know(training.items[place]) }
        // Records have no time here: what one describes is taken to have been there.
        for item in 0..<descriptions.itemCount where live.content.isMember(item) {
            board.know(UInt32(item))
        }
        var questions: [Question] = []
        let step = max(1, Double(replayed.count) / Double(limit))
        var next = 0.0
        for (index, place) in replayed.enumerated() {
            try TrainingLoop.step(index, of: replayed.count, progress)
            if Double(index) >= next {
                next += step
                let first = log.history(of: Int(log.ownerOf[place])).lowerBound
                let history = (max(first, place - Limits.queryHistoryMax)..<place).map {
                    log.interaction($0)
                }
                let seen = excludesSeen ? Array(log.items[first..<place]) : []
                if !seen.contains(log.items[place]) {
                    var question = board.ask(
                        history,
                        live,
                        without: seen,
                        answer: log.items[place]
                    )
                    question.isOfNewItem = live.content.isMember(Int(log.items[place]))
                    question.lifts = contexts.lifts(log, place, of: question.items)
                    questions.append(question)
                }
            }
            live.add(log, place: place)
            contexts.add(log, place)
            board.know(log.items[place])
        }
        return questions
    }
}

/// Asks every source and keeps what matters of their answers.
private struct ScoreBoard {
    private let scorers: [SourceScorer]
    private let weights = HistoryWeights()
    private var scores: [[Float]]
    private var candidates = ItemBitmap()
    private let zero: [Float]
    private var heap = [UInt64](repeating: 0, count: Validation.depth)
    private var items = [UInt32](repeating: 0, count: Validation.depth)
    private var best = [Float](repeating: 0, count: Validation.depth)

    init(_ scorers: [SourceScorer], itemCount: Int) {
        self.scorers = scorers
        let zero = [Float](repeating: 0, count: itemCount)
        self.zero = zero
        scores = scorers.map { _ in zero }
        candidates.grow(to: itemCount)
    }

    /// An item has happened, so it may be recommended.
    mutating func know(_ item: UInt32) { candidates.insert(Int(item)) }

    mutating func ask(
        _ history: [Interaction],
        _ live: LiveCounts,
        without seen: [UInt32],
        answer: UInt32
    ) -> Validation.Question {
        weights.begin(history.span)
        var allowed = candidates
        for item in seen { allowed.remove(Int(item)) }
        var largest: [Float] = []
        var union: Set<UInt32> = []
        for index in scorers.indices {
            scores[index] = zero
            largest.append(scorers[index].score(weights, live, into: &scores[index]))
            let count = Kernels.top(
                scores: scores[index],
                prior: zero,
                scale: 0,
                candidates: allowed.words.span,
                limit: Validation.depth,
                heap: &heap,
                items: &items,
                best: &best
            )
            for place in 0..<count where best[place] > 0 { union.insert(items[place]) }
        }
        let chosen = union.sorted()
        var values: [Float] = []
        for scores in scores {
            for item in chosen { values.append(scores[Int(item)]) }
        }
        return Validation.Question(
            values: values,
            itemCount: chosen.count,
            answer: chosen.firstIndex(of: answer),
            largest: largest,
            items: chosen
        )
    }
}
