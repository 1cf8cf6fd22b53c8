import Primitives

extension BlendModel {
    /// Each term with what the history's entries add to it.
    ///
    /// Sums are linear in the entries, so their shares are exact; a logarithm of rules is shared
    /// out as the sum that it is of.
    func explain(
        _ item: ItemIndex,
        _ query: borrowing RankingQuery,
        scratch: RankingScratch
    ) -> ScoreExplanation {
        let target = Int(item.rawValue)
        guard target < counts.itemCount else { return ScoreExplanation() }
        scratch.begin(query.history, itemCount: counts.itemCount)
        let newest = query.history.count - 1
        var explanation = ScoreExplanation()
        for term in terms {
            guard let shape = term.source.ruleShape, let rules = counts.rules(shape) else {
                continue
            }
            let entries = shares(of: rules, target, scratch.weights)
            let raw = entries.reduce(0) { $0 + $1.amount }
            let amount = ruleAmount(term, rules, raw, scratch)
            let factor = raw > 0 ? amount / raw : 0
            explanation.components.append(
                .init(
                    name: "sequential rules",
                    weight: Double(term.weight),
                    score: amount / Double(term.weight)
                )
            )
            explanation.add(entries, factor, newest)
        }
        for pass in passes {
            let entries = shares(of: pass, target, scratch.weights)
            explanation.components.append(
                .init(
                    name: "item models (τ=\(pass.recency))",
                    weight: 1,
                    score: entries.reduce(0) { $0 + $1.amount }
                )
            )
            explanation.add(entries, 1, newest)
        }
        for term in terms where term.source == .content {
            let entries = contentShares(of: item.rawValue, scratch.weights)
            let factor = Double(term.weight / term.scale)
            let sum = entries.reduce(0) { $0 + $1.amount }
            explanation.components.append(
                .init(name: "content", weight: Double(term.weight), score: sum / Double(term.scale))
            )
            explanation.add(entries, factor, newest)
        }
        for term in terms where term.source == .sessions {
            guard let sessions = counts.sessions else { continue }
            let entries = sessions.shares(of: item.rawValue, scratch.weights)
            let sum = entries.reduce(0) { $0 + $1.amount }
            let scale = Double(term.scale)
            explanation.components.append(
                .init(name: "sessions alike", weight: Double(term.weight), score: sum / scale)
            )
            explanation.add(entries, Double(term.weight) / scale, newest)
        }
        addUsersAlike(target, query, &explanation)
        for term in terms where term.source.isForAll {
            let before = scratch.prior[target]
            addDense(term, scratch)
            let amount = Double(scratch.prior[target] - before)
            explanation.components.append(
                .init(
                    name: "popularity",
                    weight: Double(term.weight),
                    score: amount / Double(term.weight)
                )
            )
            if amount > 0 { explanation.shares.append(.init(entry: nil, amount: amount)) }
        }
        addContext(target, query.context, &explanation)
        return explanation
    }

    private typealias Entry = (age: Int, amount: Double)

    /// What a term of rules adds whose raw sum is given.
    private func ruleAmount(
        _ term: BlendTerm,
        _ rules: SequentialRules,
        _ raw: Double,
        _ scratch: RankingScratch
    ) -> Double {
        guard raw > 0 else { return 0 }
        guard term.isRelative else { return raw * Double(term.weight / term.scale) }
        var sums = [Float](repeating: 0, count: counts.itemCount)
        SourceScorer.add(rules, scratch.weights, scale: 1, to: &sums)
        let largest = Kernels.largest(sums)
        guard largest > 0 else { return 0 }
        guard let floor = term.source.floor else {
            return raw / Double(largest) * Double(term.weight)
        }
        var one = [Float(raw)]
        Kernels.scaleLog(&one, factor: 1 / largest, floor: floor, weight: term.weight)
        return Double(one[0])
    }

    private func shares(
        of rules: SequentialRules,
        _ target: Int,
        _ weights: HistoryWeights
    ) -> [Entry] {
        var entries: [Entry] = []
        weights.forEachAge(recency: rules.shape.recency) { item, age, weight in
            guard let row = rules.row(of: item),
                let at = Kernels.find(UInt32(target), in: row.pairs)
            else { return }
            let factor = weight / Float(row.sum).squareRoot()
            entries.append((age, Double(factor * Float(row.pairs[at].weight))))
        }
        return entries
    }

    private func addUsersAlike(
        _ target: Int,
        _ query: borrowing RankingQuery,
        _ explanation: inout ScoreExplanation
    ) {
        let weight = Double(UserSegments.weight(afterEvents: query.history.count))
        guard weight > 0, !query.userTokens.isEmpty else { return }
        var score = 0.0
        segments.forEach(query.userTokens) { if $0 == target { score += Double($1) } }
        explanation.components.append(.init(name: "users alike", weight: weight, score: score))
        if score > 0 { explanation.shares.append(.init(entry: nil, amount: weight * score)) }
    }

    /// What the question's own columns make of the sum so far.
    private func addContext(
        _ target: Int,
        _ values: [ContextValue],
        _ explanation: inout ScoreExplanation
    ) {
        guard let context, !values.isEmpty else { return }
        let parts = context.explain(target, explanation.sum, values, itemCount: counts.itemCount)
        for part in parts {
            explanation.components.append(part)
            explanation.shares.append(.init(entry: nil, amount: part.weight * part.score))
        }
    }

    private func contentShares(of target: UInt32, _ weights: HistoryWeights) -> [Entry] {
        guard counts.content.isMember(Int(target)) else { return [] }
        var entries: [Entry] = []
        weights.forEachAge(recency: BlendSource.contentRecency) { item, age, weight in
            let likeness = counts.content.likeness(of: item, to: target)
            if likeness > 0 { entries.append((age, Double(weight * likeness))) }
        }
        return entries
    }

    private func shares(of pass: Pass, _ target: Int, _ weights: HistoryWeights) -> [Entry] {
        var entries: [Entry] = []
        weights.forEachAge(recency: pass.recency) { item, age, weight in
            for index in pass.rows.row(Int(item))
            where Int(pass.rows.pairs[index].item) == target {
                entries.append((age, Double(weight * pass.rows.pairs[index].weight)))
            }
        }
        return entries
    }
}

extension ScoreExplanation {
    /// Adds to the shares of the entries that came `age` before the newest.
    fileprivate mutating func add(
        _ entries: [(age: Int, amount: Double)],
        _ factor: Double,
        _ newest: Int
    ) {
        for (age, amount) in entries where amount * factor != 0 {
            let place = newest - age
            if let known = shares.firstIndex(where: { $0.entry == place }) {
                shares[known].amount += amount * factor
            } else {
                shares.append(.init(entry: place, amount: amount * factor))
            }
        }
    }
}
