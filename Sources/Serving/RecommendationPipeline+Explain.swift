package import Engine
package import Primitives
package import Recipes
package import Resources

/// Why an item is where it is, or not at all.
package struct Explanation: Sendable {
    /// Its place in the list that the question gets, from 1; `nil` when it is not in it.
    package var slot: Int?
    /// Its place among all that may be in the list, by the model alone, from 1; `nil` when it may
    /// not, or stands behind the `Limits.explainedRankMax`th.
    package var rank: Int?
    /// Why it may not be in the list, in words; empty when it may.
    package var removedBy = ""
    package var score = ScoreExplanation()
    /// As the list gives it; `nil` where there is none.
    package var listedScore: Double?
    package var reasons = ServedSlot.Reasons()
    /// The history that the shares speak of.
    package var history: [Interaction] = []
    package var exploration: Exploration?
    package var eligibleCount = 0
    package var position = LogPosition.zero
    /// Where ids are.
    package var root: GroupRoot
    package var group: GroupStore

    /// What exploration had to do with it.
    package struct Exploration: Sendable {
        /// The campaign's weight.
        package var weight: Float
        package var seed: UInt64
        /// Its weight in the pool, for this history; `nil` when it is too well known, too old or no
        /// candidate, or nothing is explored.
        package var poolWeight: Float?
        /// The probability of its slot's item, given those above; `nil` when it is in none.
        package var propensity: Float?
    }

    init(root: GroupRoot, group: GroupStore) {
        self.root = root
        self.group = group
    }
}

extension RecommendationPipeline {
    /// Explains one item of the list that a question gets; nothing is remembered of it.
    ///
    /// Ranks all items: far slower than an answer.
    package func explain(
        _ item: String,
        _ query: RecommendationQuery,
        _ scratch: RequestScratch
    ) throws(Refusal) -> Explanation {
        let (runtime, group) = try target(query)
        let wishes = try wishes(of: query, runtime)
        let plan = try engine.consistently { () throws(Refusal) in
            try gather(query, runtime, group, wishes, &scratch.facts)
        }
        var explanation = Explanation(root: plan.root, group: group)
        explanation.eligibleCount = plan.eligibleCount
        explanation.position = plan.position
        let known = item.withRawSpan { group.item(withID: $0) }
        guard let index = known, Int(index.rawValue) < plan.root.itemCount else {
            explanation.removedBy = "no record or event names it"
            return explanation
        }
        let candidates = scratch.facts.candidates
        explanation.removedBy = removal(of: index, item, query, plan, candidates)
        explanation.history = history(plan, scratch.facts)
        rank(index, plan, query, candidates, &explanation, scratch)
        // The list itself, as an answer fills it.
        _ = answer(plan, query, &scratch.facts, scratch, remembers: false)
        if pool(plan, query) != nil {
            explanation.exploration?.poolWeight = scratch.exploration.weight(of: index)
        }
        if let place = scratch.slots.firstIndex(where: { $0.item == index }) {
            explanation.slot = place + 1
            explanation.reasons = scratch.slots[place].reasons
            explanation.exploration?.propensity = scratch.slots[place].propensity
        }
        return explanation
    }

    /// The model's own view: rank, sum, and what the sum is made of.
    private func rank(
        _ item: ItemIndex,
        _ plan: RecommendationPlan,
        _ query: RecommendationQuery,
        _ candidates: ItemBitmap,
        _ explanation: inout Explanation,
        _ scratch: RequestScratch
    ) {
        let history = explanation.history
        let words = candidates.words
        let ranking = scratch.ranking
        let question = RankingQuery(
            history: history.span,
            candidates: ItemBitmapView(words: words.span),
            count: min(plan.eligibleCount, Limits.explainedRankMax),
            item: plan.seedItem,
            userTokens: scratch.facts.userTokens,
            context: plan.context
        )
        ranking.wantsPartition = true
        plan.runtime.model.rank(question, scratch: ranking)
        let place = ranking.top.firstIndex { $0.item == item }
        explanation.rank = place.map { $0 + 1 }
        let scale = ScoreScale(ranking)
        let listed = place.map { ranking.top[$0].score }
        switch plan.runtime.kind {
        case .userPersonalization, .personalizedRanking:
            explanation.listedScore = listed.map { scale.score($0) }
        case .popularItems, .relatedItems: break
        }
        explanation.score = plan.runtime.model.explain(item, question, scratch: ranking)
        if let settings = plan.runtime.exploration {
            explanation.exploration = Explanation.Exploration(
                weight: settings.weight,
                seed: plan.page?.seed ?? query.seed ?? seed(query, history.last),
                poolWeight: nil,
                propensity: nil
            )
        }
    }

    /// Why an item is no candidate; empty when it is one.
    private func removal(
        of item: ItemIndex,
        _ id: String,
        _ query: RecommendationQuery,
        _ plan: RecommendationPlan,
        _ candidates: ItemBitmap
    ) -> String {
        if candidates.contains(Int(item.rawValue)) { return "" }
        guard plan.root.candidates.contains(Int(item.rawValue)) else {
            return "it was deleted, or only events name it and the group does not serve such items"
        }
        if query.excludedItems.contains(id) { return "exclude_item_ids names it" }
        if plan.seedItem == item { return "it is the item that the list is related to" }
        if plan.page?.items.contains(item) ?? false { return "an earlier page of the list has it" }
        if query.excludesInteracted { return "exclude_interacted: the user has touched it" }
        return "it did not pass the question's filters"
    }
}
