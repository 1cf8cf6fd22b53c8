import Primitives

/// Chooses sources and weights on validation questions: greedy forward selection.
///
/// A source's score is divided by its scale: the mean of its largest score over the questions, or,
/// where that can't be told once and for all, its largest score at each. Starts with the best
/// source; adds the source and weight that raise NDCG@10 by at least `gainMin`, then tries each
/// earlier weight a little lower and higher; at most `termsMax` sources.
/// O(sources · weights · questions · items) a round: about a second.
struct BlendChooser {
    static let termsMax = 5
    static let gainMin = 0.004
    static let contentLossMax = 0.002
    private static let weights: [Float] = [0.05, 0.1, 0.2, 0.35, 0.6, 1, 1.5]

    private let sources: [BlendSource]
    /// Columns of which questions may say something.
    let contextColumnCount: Int
    private let scales: [Float]
    /// Questions that some source can answer, with values scaled.
    let questions: [Validation.Question]
    /// All that were asked.
    let askedCount: Int

    init(
        _ sources: [BlendSource],
        _ asked: [Validation.Question],
        contextColumnCount: Int = 0
    ) {
        self.sources = sources
        self.contextColumnCount = contextColumnCount
        askedCount = max(1, asked.count)
        let scales = sources.indices.map { source -> Float in
            guard sources[source].hasConstantScale else { return 0 }
            let sum = asked.reduce(0.0) { $0 + Double($1.largest[source]) }
            return sum > 0 ? Float(sum / Double(asked.count)) : 1
        }
        self.scales = scales
        questions = asked.filter { $0.answer != nil }.map { question in
            var scaled = question
            for source in sources.indices {
                let scale = scales[source] > 0 ? scales[source] : question.largest[source]
                guard scale > 0 else { continue }
                let start = source * question.itemCount
                for item in start..<start + question.itemCount { scaled.values[item] /= scale }
            }
            return scaled
        }
    }

    struct Choice {
        var terms: [BlendTerm]
        var quality: Double
        /// Each source alone, in the order given.
        var alone: [Double]
        /// What own columns of interactions add; `nil`: nothing.
        var context: ContextChoice?
    }

    private typealias Term = (source: Int, weight: Float)

    func choose() -> Choice {
        let nothing = questions.map { [Float](repeating: 0, count: $0.itemCount) }
        let alone = sources.indices.map { quality(nothing, ($0, 1)) }
        var terms: [Term] = []
        var best = 0.0
        let usual = alone.indices.filter { sources[$0] != .content }
        if let first = usual.max(by: { (alone[$0], -$0) < (alone[$1], -$1) }) {
            terms = [(first, 1)]
            best = alone[first]
        }
        while terms.count < Self.termsMax {
            guard let (added, quality) = bestAddition(to: terms),
                quality >= best * (1 + Self.gainMin)
            else { break }
            terms.append(added)
            best = quality
            for index in terms.indices { best = improve(&terms, index, best) }
        }
        complete(&terms)
        addContent(&terms)
        let sums = totals(terms)
        let context = chooseContext(sums)
        return Choice(
            terms: terms.map {
                BlendTerm(source: sources[$0.source], weight: $0.weight, scale: scales[$0.source])
            },
            quality: context?.quality ?? quality(sums, (0, 0)),
            alone: alone,
            context: context
        )
    }

    /// Adds what is never left out, by the weight that costs least.
    ///
    /// Rules, since an event of anybody must move what follows its item; and a score without a
    /// history, since lists must go on behind what a history says.
    private func complete(_ terms: inout [Term]) {
        let kinds: [((BlendSource) -> Bool, [Float])] = [
            ({ $0.ruleShape != nil }, [0.1, 0.2, 0.35]), ({ $0.isForAll }, [0.02, 0.05, 0.1]),
        ]
        for (isWanted, weights) in kinds
        where !terms.contains(where: { isWanted(sources[$0.source]) }) {
            let base = totals(terms)
            var best: (added: Term, quality: Double)?
            for source in sources.indices where isWanted(sources[source]) {
                for weight in weights {
                    let quality = quality(base, (source, weight))
                    if quality > best?.quality ?? -1 { best = ((source, weight), quality) }
                }
            }
            if let best { terms.append(best.added) }
        }
    }

    /// Adds content, where records say something, by the weight that finds new items best while
    /// the whole loses `contentLossMax` at most; where no question asks for a new item, by the
    /// largest such weight up to the usual one.
    ///
    /// Never left out: what was put a moment ago has nothing else that speaks for it.
    private func addContent(_ terms: inout [Term]) {
        guard let content = sources.firstIndex(of: .content) else { return }
        let base = totals(terms)
        let least = quality(base, (content, 0)) * (1 - Self.contentLossMax)
        var chosen: Float = Self.weights[0]
        var best = 0.0
        for weight in Self.weights where quality(base, (content, weight)) >= least {
            let found = quality(base, (content, weight), ofNewItems: true)
            if found > best {
                best = found
                chosen = weight
            } else if best == 0, weight <= UserPersonalization.usualContent.weight {
                chosen = weight
            }
        }
        terms.append((content, chosen))
    }

    /// Tries the weight of one term a little lower and higher.
    private func improve(_ terms: inout [Term], _ index: Int, _ quality: Double) -> Double {
        var others = terms
        let (source, weight) = others.remove(at: index)
        let base = totals(others)
        var best = quality
        for factor: Float in [0.6, 1.6] {
            let changed = self.quality(base, (source, weight * factor))
            if changed > best {
                best = changed
                terms[index].weight = weight * factor
            }
        }
        return best
    }

    private func bestAddition(to terms: [Term]) -> (added: Term, quality: Double)? {
        let base = totals(terms)
        var best: (added: Term, quality: Double)?
        for source in sources.indices where mayAdd(source, to: terms) {
            for weight in Self.weights {
                let quality = quality(base, (source, weight))
                if quality > best?.quality ?? 0 { best = ((source, weight), quality) }
            }
        }
        return best
    }

    /// Once each, and one logarithm of rules: it takes a pass of its own.
    private func mayAdd(_ source: Int, to terms: [Term]) -> Bool {
        terms.allSatisfy { term in
            term.source != source && sources[source] != .content
                && !(sources[term.source].isLogRules && sources[source].isLogRules)
        }
    }

    /// The weighted sums of each question's items.
    private func totals(_ terms: [Term]) -> [[Float]] {
        questions.map { question in
            var totals = [Float](repeating: 0, count: question.itemCount)
            for (source, weight) in terms {
                let start = source * question.itemCount
                for item in 0..<question.itemCount {
                    totals[item] += weight * question.values[start + item]
                }
            }
            return totals
        }
    }

    /// NDCG@10 of sums with one more source.
    private func quality(
        _ base: [[Float]],
        _ term: Term,
        ofNewItems: Bool = false
    ) -> Double {
        var sum = 0.0
        for (question, base) in zip(questions, base) where !ofNewItems || question.isOfNewItem {
            guard let answer = question.answer else { continue }
            let rank = Kernels.rank(
                of: answer,
                base,
                question.values,
                from: term.source * question.itemCount,
                weight: term.weight
            )
            if (1...10).contains(rank) { sum += 1 / Elementary.log2(1 + Double(rank)) }
        }
        return sum / Double(askedCount)
    }
}
