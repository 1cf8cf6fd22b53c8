internal import Primitives
internal import Wire

/// One item of an answer.
public struct RecommendedItem: Hashable, Sendable {
    /// The item.
    public var itemID: String
    /// 0 to 1, larger is better, comparable within one answer only; 0 where the recipe gives none.
    public var score: Double
}

/// A question of a batch.
public struct RecommendationQuestion: Hashable, Sendable {
    /// The campaign's resource name.
    public var campaign: String
    /// For whom; may be empty where the recipe needs nobody.
    public var userID: String
    /// To which item the answer is related; may be empty where the recipe needs none.
    public var itemID: String
    /// How many items, 1 to 500.
    public var count: Int
    /// Leave out items that the user touched.
    public var excludeInteracted: Bool

    /// Asks for `count` items.
    public init(
        campaign: String,
        userID: String = "",
        itemID: String = "",
        count: Int = 25,
        excludeInteracted: Bool = false
    ) {
        self.campaign = campaign
        self.userID = userID
        self.itemID = itemID
        self.count = count
        self.excludeInteracted = excludeInteracted
    }

    func write(_ request: GetRecommendationsRequestBuilder) {
        request.campaign(campaign)
        request.userID(userID)
        request.itemID(itemID)
        request.numResults(Int32(clamping: count))
        request.excludeInteracted(excludeInteracted)
    }
}

/// What came of one question of a batch.
public enum RecommendationOutcome: Hashable, Sendable {
    /// The answer.
    case answered(Recommendations)
    /// Why there is none.
    case refused(String)
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
        try await recommend(
            RecommendationQuestion(
                campaign: campaign,
                userID: userID,
                count: count,
                excludeInteracted: excludeInteracted
            )
        )
    }

    /// Answers a question.
    public func recommend(
        _ question: RecommendationQuestion
    ) async throws(ClientError) -> Recommendations {
        try await call(
            "/bowerbird.v1.RecommendationsService/GetRecommendations",
            { question.write(GetRecommendationsRequestBuilder(into: $0)) }
        ) { (bytes, arena) throws(WireError) in
            Self.read(try GetRecommendationsResponseView(unpacking: bytes, into: arena))
        }
    }

    /// Answers up to 100 questions on one state of all records.
    public func recommend(
        _ questions: [RecommendationQuestion]
    ) async throws(ClientError) -> [RecommendationOutcome] {
        try await call(
            "/bowerbird.v1.RecommendationsService/BatchGetRecommendations",
            { writer in
                let request = BatchGetRecommendationsRequestBuilder(into: writer)
                for question in questions { request.queries { question.write($0) } }
            }
        ) { (bytes, arena) throws(WireError) in
            let response = try BatchGetRecommendationsResponseView(unpacking: bytes, into: arena)
            var outcomes: [RecommendationOutcome] = []
            for index in 0..<response.resultsCount {
                let result = response.results(index)
                outcomes.append(
                    result.hasResponse
                        ? .answered(Self.read(result.response))
                        : .refused(result.error.message.string)
                )
            }
            return outcomes
        }
    }

    /// Orders given items for a user, best first.
    public func rank(
        _ items: [String],
        campaign: String,
        userID: String
    ) async throws(ClientError) -> Recommendations {
        try await call(
            "/bowerbird.v1.RecommendationsService/GetPersonalizedRanking",
            { writer in
                let request = GetPersonalizedRankingRequestBuilder(into: writer)
                request.campaign(campaign)
                request.userID(userID)
                for item in items { request.inputList(item) }
            }
        ) { (bytes, arena) throws(WireError) in
            let response = try GetPersonalizedRankingResponseView(unpacking: bytes, into: arena)
            var items: [RecommendedItem] = []
            for index in 0..<response.personalizedRankingCount {
                items.append(Self.read(response.personalizedRanking(index)))
            }
            return Recommendations(
                items: items,
                recommendationID: response.recommendationID.string,
                eligibleCount: UInt64(items.count),
                position: response.position
            )
        }
    }

    private static func read(
        _ response: borrowing GetRecommendationsResponseView
    ) -> Recommendations {
        var items: [RecommendedItem] = []
        for index in 0..<response.itemListCount {
            items.append(read(response.itemList(index)))
        }
        return Recommendations(
            items: items,
            recommendationID: response.recommendationID.string,
            eligibleCount: response.eligibleCount,
            position: response.position
        )
    }

    private static func read(_ item: borrowing PredictedItemView) -> RecommendedItem {
        RecommendedItem(itemID: item.itemID.string, score: item.score)
    }
}
