import Engine
import Primitives
package import Resources

/// Ranking of given items.
extension RecommendationPipeline {
    /// Leaves in `facts.candidates` only the given items.
    func restrict(_ facts: inout RequestFacts, to items: [String], _ group: GroupStore) {
        group.items(withIDs: items, into: &facts.ranked)
        for (place, index) in facts.ranked.enumerated() {
            guard let index, !facts.candidates.contains(Int(index)) else { continue }
            facts.ranked[place] = nil
        }
        facts.candidates.removeAll()
        for case .some(let index) in facts.ranked { facts.candidates.insert(Int(index)) }
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
            let unknown = zip(query.rankedItems ?? [], scratch.facts.ranked).filter { item, index in
                guard index == nil else { return false }
                // It may be known, and be no candidate for other reasons.
                let known = item.withRawSpan { group.item(withID: $0) }
                return known.map { !plan.root.candidates.contains(Int($0.rawValue)) } ?? true
            }
            return (plan, unknown.map(\.0))
        }
        return (rank(plan, query, &scratch.facts, scratch), unknown)
    }
}
