import Primitives
import Recipes
import Resources

/// What was served of a list so far, for its next page.
package struct ServedPage: Sendable {
    /// The number of the list, which is that of its first page.
    let list: UInt64
    /// The number of its last page so far.
    let last: UInt64
    let seed: UInt64
    let items: [ItemIndex]
}

/// Lists as they are served: explored, remembered, paged.
extension RecommendationPipeline {
    /// What a question's list may draw from; `nil` where it explores nothing.
    func pool(_ plan: RecommendationPlan, _ query: RecommendationQuery) -> ExplorationPool? {
        guard let settings = plan.runtime.exploration, settings.weight > 0,
            query.rankedItems == nil, query.maxPerAttribute.isEmpty
        else { return nil }
        let pool = plan.runtime.exposure.pool.current
        return pool.items.isEmpty ? nil : pool
    }

    /// Fills `scratch.slots` from what the model ranked, with items of `pool` between.
    ///
    /// - Returns: The seed that exploration drew from; 0 where there was none.
    func fill(
        _ plan: RecommendationPlan,
        _ query: RecommendationQuery,
        _ count: Int,
        _ pool: ExplorationPool?,
        _ facts: inout RequestFacts,
        _ scratch: RequestScratch
    ) -> UInt64 {
        scratch.slots.removeAll(keepingCapacity: true)
        let all = scratch.ranking.top
        let ranked =
            plan.diversity?.choose(count, from: all, plan.root, after: plan.page?.items ?? [])
            ?? all
        let runtime = plan.runtime
        guard let settings = runtime.exploration, let pool else {
            for item in ranked { scratch.slots.append(ServedSlot(item)) }
            return 0
        }
        let seed = plan.page?.seed ?? query.seed ?? seed(query, facts.history.last)
        // Who has touched an item needs not discover it.
        for interaction in facts.history {
            facts.candidates.remove(Int(interaction.item.rawValue))
        }
        Explorer(settings: settings, seed: seed).fill(
            &scratch.slots,
            count: count,
            ranked: ranked,
            pool: pool,
            likeness: scratch.ranking.likeness,
            candidates: facts.candidates,
            newestMS: runtime.exposure.newestEventMS,
            &scratch.exploration
        )
        return seed
    }

    /// By campaign, by who asks, by their newest event and by quarters of an hour: what others
    /// write does not reshuffle a list.
    func seed(_ query: RecommendationQuery, _ newest: Interaction?) -> UInt64 {
        let words: InlineArray<6, UInt64> = [
            lists.stableHash(query.campaign), lists.stableHash(query.userID),
            lists.stableHash(query.sessionID),
            UInt64(bitPattern: query.askedAt.milliseconds / Limits.explorationBucketMS),
            newest.map { UInt64(bitPattern: $0.occurredAt.milliseconds) } ?? .max,
            newest.map { UInt64($0.item.rawValue) } ?? .max,
        ]
        return unsafe lists.stableHash(words.span.bytes)
    }

    // MARK: Remembering

    func remember(
        _ plan: RecommendationPlan,
        _ query: RecommendationQuery,
        _ seed: UInt64,
        _ scratch: RequestScratch,
        _ hasMore: Bool
    ) -> (id: HexText, nextPage: HexText) {
        scratch.served.group = plan.runtime.group
        scratch.served.campaign = plan.runtime.campaign.text
        scratch.served.version = plan.runtime.version.text
        scratch.served.seed = seed
        scratch.served.previous = plan.page?.last
        scratch.served.items.removeAll(keepingCapacity: true)
        scratch.served.propensities.removeAll(keepingCapacity: true)
        for slot in scratch.slots {
            scratch.served.items.append(slot.item)
            scratch.served.propensities.append(slot.propensity)
        }
        let number = lists.remember(scratch.served, goingOn: plan.page?.list)
        let list = plan.page?.list ?? number
        let served = scratch.slots.count + (plan.page?.items.count ?? 0)
        let goesOn =
            hasMore && served < Limits.pagedItemsMax && !scratch.slots.isEmpty
            && query.rankedItems == nil
        return (lists.idText(list), goesOn ? token(list, number, query) : HexText())
    }

    // MARK: Pages

    /// `{seal}.{list}.{last page}`; the seal is of both and of the question, so a token that was
    /// altered, or of another question, is refused.
    private func token(_ list: UInt64, _ last: UInt64, _ query: RecommendationQuery) -> HexText {
        let words: InlineArray<6, UInt64> = [
            list, last, lists.stableHash(query.campaign), lists.stableHash(query.userID),
            lists.stableHash(query.sessionID), lists.stableHash(query.seedItem),
        ]
        let seal = unsafe lists.stableHash(words.span.bytes)
        var text = HexText()
        text.append(seal)
        text.append(".")
        text.append(list)
        text.append(".")
        text.append(last)
        return text
    }

    /// What a question goes on with; `nil` for a new list.
    func page(of query: RecommendationQuery) throws(Refusal) -> ServedPage? {
        guard !query.pageToken.isEmpty else { return nil }
        let parts = query.pageToken.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let list = UInt64(parts[1], radix: 16),
            let last = UInt64(parts[2], radix: 16),
            token(list, last, query).text == query.pageToken
        else {
            throw .invalid("page_token", "is not one that this question returned")
        }
        guard let items = lists.items(through: last), let page = lists.list(last) else {
            throw .invalid(
                "page_token",
                "its list is not remembered any more; ask for a new one"
            )
        }
        return ServedPage(list: list, last: last, seed: page.seed, items: items)
    }
}
