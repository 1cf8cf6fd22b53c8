import Engine
import Primitives
import Recipes
import Resources
import Serving
import Wire

/// Questions out of messages, answers into them.
extension RecommendationsService {
    /// The question, checked; `campaign` is its campaign's name, where it is there without a copy.
    static func query(
        _ request: borrowing GetRecommendationsRequestView,
        _ campaign: String? = nil,
        now: Timestamp
    ) throws -> RecommendationQuery {
        let count = request.hasNumResults ? request.numResults : 25
        guard (1...500).contains(count) else {
            throw Refusal.invalid("num_results", "is \(count); 1 to 500 are allowed")
        }
        guard request.excludeItemIDsCount <= Limits.excludedItemsMax else {
            throw Refusal.invalid(
                "exclude_item_ids",
                "has \(request.excludeItemIDsCount) ids; at most \(Limits.excludedItemsMax) are "
                    + "allowed"
            )
        }
        var excluded: [String] = []
        for index in 0..<request.excludeItemIDsCount {
            excluded.append(request.excludeItemIDs(index).string)
        }
        var query = RecommendationQuery(
            campaign: campaign ?? request.campaign.string,
            userID: request.userID.string,
            sessionID: request.sessionID.string,
            count: Int(count),
            excludesInteracted: request.excludeInteracted,
            excludedItems: excluded
        )
        query.seedItem = request.itemID.string
        query.seed = request.hasSeed ? request.seed : nil
        query.pageToken = request.pageToken.string
        query.askedAt = now
        query.diversity = request.diversity
        query.context = request.context
        for index in 0..<request.maxPerAttributeCount {
            let limit = request.maxPerAttribute(index)
            query.maxPerAttribute.append((limit.column.string, Int(limit.max)))
        }
        query.metadataColumns = try columns(request.metadataColumnsCount) {
            request.metadataColumns($0).string
        }
        query.filter = QuestionFilter(
            name: request.filter.string,
            expression: request.filterExpression.string
        )
        for index in 0..<request.filterValuesCount {
            let entry = request.filterValues(index)
            query.filter.values[entry.key.string] = entry.texts
        }
        query.ignoresDefaultFilter = request.ignoreDefaultFilter
        query.promotion = try promotion(request)
        try check(query)
        return query
    }

    static func query(
        _ request: borrowing GetPersonalizedRankingRequestView,
        now: Timestamp
    ) throws -> RecommendationQuery {
        let given = request.inputListCount
        guard (1...Limits.rankingInputMax).contains(given) else {
            throw Refusal.invalid(
                "input_list",
                "has \(given) items; 1 to \(Limits.rankingInputMax) are allowed"
            )
        }
        var items: [String] = []
        var seen: Set<String> = []
        for index in 0..<given {
            let item = request.inputList(index).string
            let field = "input_list[\(index)]"
            guard !item.isEmpty else { throw Refusal.invalid(field, "is empty") }
            try checkLength(item, field)
            if seen.insert(item).inserted { items.append(item) }
        }
        var query = RecommendationQuery(
            campaign: request.campaign.string,
            userID: request.userID.string,
            sessionID: request.sessionID.string,
            count: items.count
        )
        query.rankedItems = items
        query.context = request.context
        query.metadataColumns = try columns(request.metadataColumnsCount) {
            request.metadataColumns($0).string
        }
        query.askedAt = now
        query.filter = QuestionFilter(
            name: request.filter.string,
            expression: request.filterExpression.string
        )
        for index in 0..<request.filterValuesCount {
            let entry = request.filterValues(index)
            query.filter.values[entry.key.string] = entry.texts
        }
        query.ignoresDefaultFilter = request.ignoreDefaultFilter
        try check(query)
        return query
    }

    static func queries(
        _ request: borrowing BatchGetRecommendationsRequestView,
        now: Timestamp
    ) throws -> [Result<RecommendationQuery, Refusal>] {
        let count = request.queriesCount
        guard (1...Limits.batchQueriesMax).contains(count) else {
            throw Refusal.invalid(
                "queries",
                "has \(count) questions; 1 to \(Limits.batchQueriesMax) are allowed"
            )
        }
        var queries: [Result<RecommendationQuery, Refusal>] = []
        for index in 0..<count {
            do {
                queries.append(.success(try query(request.queries(index), now: now)))
            } catch let error as Refusal {
                queries.append(.failure(error))
            }
        }
        return queries
    }

    private static func columns(
        _ count: Int,
        _ name: (Int) -> String
    ) throws(Refusal) -> [String] {
        guard count <= Limits.metadataColumnsMax else {
            throw .invalid(
                "metadata_columns",
                "has \(count) columns; at most \(Limits.metadataColumnsMax) are allowed"
            )
        }
        return (0..<count).map(name)
    }

    private static func promotion(
        _ request: borrowing GetRecommendationsRequestView
    ) throws(Refusal) -> QuestionPromotion? {
        guard request.promotionsCount > 0 else { return nil }
        guard request.promotionsCount == 1 else {
            throw .invalid("promotions", "has \(request.promotionsCount); 1 is allowed")
        }
        let given = request.promotions(0)
        let name = given.name.string
        guard (1...63).contains(name.unicodeScalars.count) else {
            throw .invalid("promotions[0].name", "is required, of 1 to 63 characters")
        }
        guard (1...100).contains(given.percentPromotedItems) else {
            throw .invalid(
                "promotions[0].percent_promoted_items",
                "is \(given.percentPromotedItems); 1 to 100 are allowed"
            )
        }
        var filter = QuestionFilter(
            name: given.filter.string,
            expression: given.filterExpression.string
        )
        for index in 0..<given.filterValuesCount {
            let entry = given.filterValues(index)
            filter.values[entry.key.string] = entry.texts
        }
        return QuestionPromotion(
            name: name,
            percent: Int(given.percentPromotedItems),
            filter: filter
        )
    }

    private static func check(_ query: RecommendationQuery) throws(Refusal) {
        guard !query.campaign.isEmpty else {
            throw .invalid("campaign", "is required; a campaign's resource name")
        }
        try checkLength(query.userID, "user_id")
        try checkLength(query.sessionID, "session_id")
        try checkLength(query.seedItem, "item_id")
    }

    private static func checkLength(_ id: String, _ field: String) throws(Refusal) {
        guard id.unicodeScalars.count > Limits.identifierCharactersMax else { return }
        throw .invalid(field, "has more than 256 characters")
    }

    static func write(
        _ answer: RecommendationAnswer,
        _ slots: [ServedSlot],
        _ response: GetRecommendationsResponseBuilder
    ) {
        for slot in slots {
            response.itemList { write(slot, answer, $0) }
        }
        answer.recommendationID.withRawSpan { response.recommendationID($0) }
        answer.nextPageToken.withRawSpan { response.nextPageToken($0) }
        response.eligibleCount(UInt64(answer.eligibleCount))
        response.position(answer.position.rawValue)
    }

    static func write(
        _ slot: ServedSlot,
        _ answer: RecommendationAnswer,
        _ message: PredictedItemBuilder
    ) {
        message.itemID(answer.root.id(of: slot.item))
        if let scale = answer.scale, let score = slot.score { message.score(scale.score(score)) }
        slot.reasons.forEach { message.reason(reason($0)) }
        for column in answer.columns {
            let value = column.value(of: slot.item, answer.root)
            guard value != .null else { continue }
            message.metadata { write(value, column, $0) }
        }
        if slot.isPromoted { message.promotionName(answer.promotionName) }
    }

    private static func write(
        _ value: PropertyValue,
        _ column: AnswerColumn,
        _ message: MetadataValueBuilder
    ) {
        message.name(column.name)
        switch value {
        case .null: break
        case .string(let text) where column.isCategorical:
            message.categories { list in
                for part in text.split(separator: "|") { list.values(String(part)) }
            }
        case .string(let text): message.stringValue(text)
        case .integer(let number): message.int64Value(number)
        case .double(let number): message.doubleValue(number)
        case .boolean(let isTrue): message.boolValue(isTrue)
        }
    }

    static func reason(_ reason: RankingReason) -> RecommendationReasonValue {
        switch reason {
        case .none: .unspecified
        case .popular: .popular
        case .sequence: .sequence
        case .promoted: .promoted
        case .explored: .explored
        case .related: .related
        case .trending: .trending
        }
    }
}
