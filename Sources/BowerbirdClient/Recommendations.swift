internal import Primitives
internal import Wire

/// One item of an answer.
public struct RecommendedItem: Hashable, Sendable {
    /// The item.
    public var itemID: String
    /// 0 to 1, larger is better, comparable within one answer only; 0 where the recipe gives none.
    public var score: Double
    /// Why it is here, such as `popular` or `explored`.
    public var reasons: [String]
    /// The values of the columns that were asked for, as texts; those of a category joined by `|`.
    public var metadata: [String: String]
}

/// What items must pass to be in an answer: a filter of the group or an expression, not both.
public struct QuestionFilter: Hashable, Sendable {
    /// The filter's resource name; empty for none.
    public var name: String
    /// The same as a filter, given here; empty for none.
    public var expression: String
    /// The values of its parameters, by name.
    public var values: [String: [String]]
    /// Whether the campaign's own filter is lifted.
    public var ignoresDefault: Bool

    /// What a question asks for.
    public init(
        name: String = "",
        expression: String = "",
        values: [String: [String]] = [:],
        ignoresDefault: Bool = false
    ) {
        self.name = name
        self.expression = expression
        self.values = values
        self.ignoresDefault = ignoresDefault
    }
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
    /// What exploration draws from; `nil`: from who asks and when.
    public var seed: UInt64?
    /// `nextPageToken` of the answer that is to go on; empty: a new list.
    public var pageToken = ""
    /// Columns of the items whose values are wanted.
    public var metadataColumns: [String] = []
    /// How many items of the list may share a value of a column.
    public var maxPerAttribute: [String: Int] = [:]
    /// 0 to 1: how much likeness to the items above counts against an item.
    public var diversity = 0.0
    /// How the user comes here: columns of the interactions, and values.
    public var context: [String: String] = [:]
    /// Which items may be in the answer.
    public var filter = QuestionFilter()
    /// Items that may not.
    public var excludedItems: [String] = []
    /// The answer waits until the server has applied this position, up to the call's deadline.
    public var minPosition: UInt64 = 0

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
        if let seed { request.seed(seed) }
        request.pageToken(pageToken)
        for column in metadataColumns { request.metadataColumns(column) }
        for (column, count) in maxPerAttribute.sorted(by: { $0.key < $1.key }) {
            request.maxPerAttribute { limit in
                limit.column(column)
                limit.max(Int32(clamping: count))
            }
        }
        request.diversity(diversity)
        for (column, value) in context.sorted(by: { $0.key < $1.key }) {
            request.context(column, value)
        }
        for item in excludedItems { request.excludeItemIDs(item) }
        request.filter(filter.name)
        request.filterExpression(filter.expression)
        for (name, texts) in filter.values.sorted(by: { $0.key < $1.key }) {
            request.filterValues { $0.write(name, texts) }
        }
        request.ignoreDefaultFilter(filter.ignoresDefault)
        request.minPosition(minPosition)
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
    /// Goes on with the list; empty when there is nothing more.
    public var nextPageToken: String
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
        userID: String,
        filter: QuestionFilter = QuestionFilter()
    ) async throws(ClientError) -> Recommendations {
        try await call(
            "/bowerbird.v1.RecommendationsService/GetPersonalizedRanking",
            { writer in
                let request = GetPersonalizedRankingRequestBuilder(into: writer)
                request.campaign(campaign)
                request.userID(userID)
                for item in items { request.inputList(item) }
                request.filter(filter.name)
                request.filterExpression(filter.expression)
                for (name, texts) in filter.values.sorted(by: { $0.key < $1.key }) {
                    request.filterValues { $0.write(name, texts) }
                }
                request.ignoreDefaultFilter(filter.ignoresDefault)
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
                position: response.position,
                nextPageToken: ""
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
            position: response.position,
            nextPageToken: response.nextPageToken.string
        )
    }

    private static func read(_ item: borrowing PredictedItemView) -> RecommendedItem {
        var reasons: [String] = []
        for index in 0..<item.reasonCount {
            reasons.append(name(.init(rawValue: item.reason(index))))
        }
        var metadata: [String: String] = [:]
        for index in 0..<item.metadataCount {
            let value = item.metadata(index)
            metadata[value.name.string] = text(value)
        }
        return RecommendedItem(
            itemID: item.itemID.string,
            score: item.score,
            reasons: reasons,
            metadata: metadata
        )
    }

    private static func text(_ value: borrowing MetadataValueView) -> String {
        if value.hasStringValue { return value.stringValue.string }
        if value.hasInt64Value { return "\(value.int64Value)" }
        if value.hasDoubleValue { return "\(value.doubleValue)" }
        if value.hasBoolValue { return "\(value.boolValue)" }
        guard value.hasCategories else { return "" }
        let categories = value.categories
        var parts: [String] = []
        for index in 0..<categories.valuesCount { parts.append(categories.values(index).string) }
        return parts.joined(separator: "|")
    }

    private static func name(_ reason: RecommendationReasonValue) -> String {
        switch reason {
        case .popular: "popular"
        case .sequence: "sequence"
        case .explored: "explored"
        case .related: "related"
        case .trending: "trending"
        default: "reason \(reason.rawValue)"
        }
    }
}
