import Engine
package import Primitives
package import Resources

/// A question of a batch, with what it found in the shared state.
package struct PlannedQuery: Sendable {
    package let query: RecommendationQuery
    package let plan: RecommendationPlan
    package let facts: RequestFacts
}

/// Many questions on one state.
extension RecommendationPipeline {
    /// Reads for every question what it needs, all at one position; ranking them needs no more of
    /// the shared state, but models may have learnt a newer event by then.
    package func plan(
        _ queries: [Result<RecommendationQuery, Refusal>]
    ) -> (planned: [Result<PlannedQuery, Refusal>], position: LogPosition) {
        engine.consistently {
            let planned = queries.map { query in
                Result { () throws(Refusal) -> PlannedQuery in
                    let query = try query.get()
                    let (runtime, group) = try target(query)
                    let wishes = try wishes(of: query, runtime)
                    var facts = RequestFacts()
                    let plan = try gather(query, runtime, group, wishes, &facts)
                    return PlannedQuery(query: query, plan: plan, facts: facts)
                }
            }
            return (planned, engine.position)
        }
    }
}
