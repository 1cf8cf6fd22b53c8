import Engine
import Primitives
import Recipes

/// Slots that are given away, whatever the ranking says.
extension RecommendationPipeline {
    /// The promoted items of a question, best first; they are no candidates of its list any more.
    ///
    /// Ranked by the campaign's model among themselves, as all others are. Where the question's
    /// filter leaves too little for the other slots, promoted items that only the promotion may
    /// show come before those that the list needs: so it is as long as it can be.
    func promote(
        _ plan: RecommendationPlan,
        _ query: RecommendationQuery,
        _ history: [Interaction],
        _ facts: inout RequestFacts,
        _ ranking: RankingScratch
    ) -> [ServedSlot] {
        guard let promotion = query.promotion, let promoted = facts.promoted else { return [] }
        let words = promoted.words
        let slots = promotion.slots(of: query.count)
        let others = facts.candidates.count
        ranking.wantsPartition = false
        plan.runtime.model.rank(
            RankingQuery(
                history: history.span,
                candidates: ItemBitmapView(words: words.span),
                // As many that the list needs may stand before those that it does not.
                count: others < query.count ? slots + others : slots,
                item: plan.seedItem,
                context: plan.context
            ),
            scratch: ranking
        )
        let chosen = PromotionChoice.choose(
            slots,
            from: ranking.top,
            sharedMax: max(0, others - (query.count - slots))
        ) {
            facts.candidates.contains(Int($0.item.rawValue))
        }
        return chosen.map { ranked in
            facts.candidates.remove(Int(ranked.item.rawValue))
            var slot = ServedSlot(ranked)
            slot.reasons.insert(.promoted)
            slot.isPromoted = true
            return slot
        }
    }
}

/// Which of the items that a promotion may show it shows.
enum PromotionChoice {
    /// The best `count`, in order, of which at most `sharedMax` are shared with the list; more of
    /// them only where there is nothing else to promote.
    ///
    /// A shared item that is not promoted stands in the list instead; others stand there by their
    /// promotion only.
    static func choose<Item>(
        _ count: Int,
        from ranked: [Item],
        sharedMax: Int,
        isShared: (Item) -> Bool
    ) -> [Item] {
        var chosen: [Int] = []
        var left: [Int] = []
        var shared = 0
        for place in ranked.indices {
            if chosen.count == count { break }
            if !isShared(ranked[place]) {
                chosen.append(place)
            } else if shared < sharedMax {
                chosen.append(place)
                shared += 1
            } else {
                left.append(place)
            }
        }
        chosen += left.prefix(count - chosen.count)
        return chosen.sorted().map { ranked[$0] }
    }
}

extension RecommendationPipeline {
    /// Puts the promoted items among those that the question got without them.
    func place(
        _ promoted: [ServedSlot],
        _ plan: RecommendationPlan,
        _ query: RecommendationQuery,
        _ facts: RequestFacts,
        _ scratch: RequestScratch
    ) {
        guard !promoted.isEmpty else { return }
        let seed = plan.page?.seed ?? query.seed ?? seed(query, facts.history.last)
        // Each page has its own slots.
        let served = UInt64(plan.page?.items.count ?? 0)
        PromotionPlacement.place(
            promoted,
            among: &scratch.slots,
            seed: seed &+ served &* 0x9E37_79B9_7F4A_7C15
        )
    }
}

/// Where promoted items stand in a list.
enum PromotionPlacement {
    /// Puts `promoted` in random slots among `slots`; both keep their order.
    ///
    /// Every choice of slots is equally likely; the same seed chooses the same.
    static func place(_ promoted: [ServedSlot], among slots: inout [ServedSlot], seed: UInt64) {
        guard !promoted.isEmpty else { return }
        var random = SeededGenerator(seed: seed)
        let others = slots
        let count = promoted.count + others.count
        slots.removeAll(keepingCapacity: true)
        var next = 0
        for slot in 0..<count {
            let isPromoted =
                Int.random(in: 0..<count - slot, using: &random) < promoted.count - next
            if isPromoted {
                slots.append(promoted[next])
                next += 1
            } else {
                slots.append(others[slot - next])
            }
        }
    }
}
