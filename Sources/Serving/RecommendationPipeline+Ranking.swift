import Engine
import Primitives
package import Resources

/// Ranking of given items.
extension RecommendationPipeline {
    /// Leaves in `facts.candidates` only the given items.
    func restrict(
        _ facts: inout RequestFacts,
        to items: [String],
        excluding excluded: [String],
        _ group: GroupStore,
        _ root: GroupRoot
    ) {
        group.items(withIDs: items, into: &facts.ranked)
        facts.unknown = zip(items, facts.ranked).filter { item, index in
            !(index.map { root.candidates.contains(Int($0)) } ?? false) && !excluded.contains(item)
        }.map(\.0)
        for (place, index) in facts.ranked.enumerated() {
            guard let index, !facts.candidates.contains(Int(index)) else { continue }
            facts.ranked[place] = nil
        }
        facts.candidates.removeAll()
        for case .some(let index) in facts.ranked { facts.candidates.insert(Int(index)) }
    }

    /// Orders `query.rankedItems`: the known ones are left in `scratch.slots`, best first.
    ///
    /// - Returns: With the answer, the ids that can't be recommended, as far as filters let them.
    package func ranking(
        _ query: RecommendationQuery,
        _ scratch: RequestScratch
    ) throws(Refusal) -> (answer: RecommendationAnswer, unknown: [String]) {
        let (runtime, group) = try target(query)
        let wishes = try wishes(of: query, runtime)
        let plan = try engine.consistently { () throws(Refusal) -> RecommendationPlan in
            try gather(query, runtime, group, wishes, &scratch.facts)
        }
        let unknown = scratch.facts.unknown
        return (rank(plan, query, &scratch.facts, scratch), unknown)
    }
}
