internal import Primitives
internal import Wire

/// One item of an answer.
public struct RecommendedItem: Hashable, Sendable {
    /// The item.
    public var itemID: String
    /// Larger is better; comparable within one answer only.
    public var score: Double
}

/// An answer.
public struct Recommendations: Hashable, Sendable {
    /// Best first.
    public var items: [RecommendedItem]
    /// Names the answer; send it with the events that it leads to.
    public var recommendationID: String
    /// Items that passed all exclusions.
    public var eligibleCount: UInt64
    /// The answer has seen every write at or below this position.
    public var position: UInt64
}

extension BowerbirdClient {
    /// Recommends items to a user.
    public func recommend(
        campaign: String,
        userID: String,
        count: Int = 25,
        excludeInteracted: Bool = false
    ) async throws(ClientError) -> Recommendations {
        try await call(
            "/bowerbird.v1.RecommendationsService/GetRecommendations",
            { writer in
                let request = GetRecommendationsRequestBuilder(into: writer)
                request.campaign(campaign)
                request.userID(userID)
                request.numResults(Int32(clamping: count))
                request.excludeInteracted(excludeInteracted)
            }
        ) { (bytes, arena) throws(WireError) in
            let response = try GetRecommendationsResponseView(unpacking: bytes, into: arena)
            var items: [RecommendedItem] = []
            for index in 0..<response.itemListCount {
                let item = response.itemList(index)
                items.append(RecommendedItem(itemID: item.itemID.string, score: item.score))
            }
            return Recommendations(
                items: items,
                recommendationID: response.recommendationID.string,
                eligibleCount: response.eligibleCount,
                position: response.position
            )
        }
    }
}
