import Engine
import Primitives
import Recipes

/// Slots that are given away, whatever the ranking says.
extension RecommendationPipeline {
    /// The promoted items of a question, best first; they are no candidates of its list any more.
    ///
    /// Ranked by the campaign's model among themselves, as all others are.
    func promote(
        _ plan: RecommendationPlan,
        _ query: RecommendationQuery,
        _ history: [Interaction],
        _ facts: inout RequestFacts,
        _ ranking: RankingScratch
    ) -> [ServedSlot] {
        guard let promotion = query.promotion, let promoted = facts.promoted else { return [] }
        let words = promoted.words
        ranking.wantsPartition = false
        plan.runtime.model.rank(
            RankingQuery(
                history: history.span,
                candidates: ItemBitmapView(words: words.span),
                count: promotion.slots(of: query.count),
                item: plan.seedItem,
                context: plan.context
            ),
            scratch: ranking
        )
        return ranking.top.map { ranked in
            facts.candidates.remove(Int(ranked.item.rawValue))
            var slot = ServedSlot(ranked)
            slot.reasons.insert(.promoted)
            slot.isPromoted = true
            return slot
        }
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
