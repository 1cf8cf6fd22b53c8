import Engine
import Primitives
package import Resources

/// Ranking of given items.
extension RecommendationPipeline {
    /// Leaves in `candidates` only the given items.
    func restrict(_ candidates: inout ItemBitmap, to items: [String], _ group: GroupStore) {
        var given = ItemBitmap()
        for item in items {
            if let index = item.withRawSpan({ group.item(withID: $0) }),
                candidates.contains(Int(index.rawValue))
            {
                given.insert(Int(index.rawValue))
            }
        }
        candidates = given
    }

    /// Orders `query.rankedItems`: the known ones are left in `scratch.slots`, best first.
    ///
    /// - Returns: With the answer, the ids that can't be recommended: nobody put or touched such an
    ///   item, or it is gone.
    package func ranking(
        _ query: RecommendationQuery,
        _ scratch: RequestScratch
    ) throws(Refusal) -> (answer: RecommendationAnswer, unknown: [String]) {
        let (runtime, group) = try target(query)
        let wishes = try wishes(of: query, runtime)
        let (plan, unknown) = try engine.consistently {
            () throws(Refusal) -> (RecommendationPlan, [String]) in
            let plan = try gather(query, runtime, group, wishes, &scratch.facts)
            let unknown = (query.rankedItems ?? []).filter { item in
                guard let index = item.withRawSpan({ group.item(withID: $0) }) else { return true }
                return !plan.root.candidates.contains(Int(index.rawValue))
            }
            return (plan, unknown)
        }
        return (rank(plan, query, &scratch.facts, scratch), unknown)
    }
}
