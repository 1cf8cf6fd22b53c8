internal import Primitives
internal import Wire

/// Why an item is where it is in a list, or not in it.
public struct RecommendationExplanation: Hashable, Sendable {
    /// One term of the model's sum; weight · score is what it adds.
    public struct Component: Hashable, Sendable {
        /// What it is.
        public var name: String
        /// Of the term in the sum.
        public var weight: Double
        /// The term's own score.
        public var score: Double
    }

    /// What one event of the history adds.
    public struct Contribution: Hashable, Sendable {
        /// The event's item; empty for what an item has without a history.
        public var itemID: String
        /// The event's type.
        public var eventType: String
        /// When it was, in milliseconds since 1970.
        public var sentAtMS: Int64
        /// What it adds to the sum.
        public var share: Double
    }

    /// Its place in the list, from 1; 0: it is not in it.
    public var slot: Int
    /// Its place by the model alone among all that may be in the list; 0: none.
    public var rank: UInt64
    /// Why it may not be in the list; empty when it may.
    public var removedBy: String
    /// The model's sum.
    public var linearScore: Double
    /// What the sum is made of.
    public var components: [Component]
    /// Which events it comes from, the largest first.
    public var contributions: [Contribution]
    /// The probability of this item in its slot; `nil` where it is in none, or nothing is explored.
    public var propensity: Double?
    /// Items that passed all exclusions.
    public var eligibleCount: UInt64
}

extension BowerbirdClient {
    /// Says why an item is where it is in the list that a question gets.
    public func explain(
        _ itemID: String,
        in question: RecommendationQuestion
    ) async throws(ClientError) -> RecommendationExplanation {
        try await call(
            "/bowerbird.v1.RecommendationsService/ExplainRecommendation",
            { writer in
                let request = ExplainRecommendationRequestBuilder(into: writer)
                request.query { question.write($0) }
                request.itemID(itemID)
            }
        ) { (bytes, arena) throws(WireError) in
            let view = try ExplainRecommendationResponseView(unpacking: bytes, into: arena)
            var components: [RecommendationExplanation.Component] = []
            for index in 0..<view.componentsCount {
                let one = view.components(index)
                components.append(
                    .init(name: one.name.string, weight: one.weight, score: one.score)
                )
            }
            var contributions: [RecommendationExplanation.Contribution] = []
            for index in 0..<view.contributionsCount {
                let one = view.contributions(index)
                contributions.append(
                    .init(
                        itemID: one.itemID.string,
                        eventType: one.eventType.string,
                        sentAtMS: one.hasSentAt
                            ? one.sentAt.seconds * 1_000 + Int64(one.sentAt.nanos) / 1_000_000 : 0,
                        share: one.share
                    )
                )
            }
            let hasPropensity = view.hasExploration && view.exploration.hasPropensity
            return RecommendationExplanation(
                slot: Int(view.slot),
                rank: view.rank,
                removedBy: view.removedBy.string,
                linearScore: view.linearScore,
                components: components,
                contributions: contributions,
                propensity: hasPropensity ? view.exploration.propensity : nil,
                eligibleCount: view.eligibleCount
            )
        }
    }
}
