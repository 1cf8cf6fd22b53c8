package import Engine
package import Primitives
package import Recipes
package import Resources

/// A checked question.
package struct RecommendationQuery: Sendable {
    package var campaign: String
    package var userID: String
    package var sessionID: String
    package var count: Int
    package var excludesInteracted: Bool
    package var excludedItems: [String]
    /// What the answer is to be related to; empty: nothing.
    package var seedItem = ""
    /// What exploration draws its noise from; `nil`: from who asks, and when.
    package var seed: UInt64?
    /// `nextPageToken` of an answer that is to go on; empty: a new list.
    package var pageToken = ""
    /// The time of the question; noise changes with it, every 15 minutes.
    package var askedAt = Timestamp(milliseconds: 0)
    /// Columns whose values are wanted with every item.
    package var metadataColumns: [String] = []
    /// How the user comes here: columns of the interactions, and values.
    package var context: [String: String] = [:]
    /// How many items may share a value of a column.
    package var maxPerAttribute: [(column: String, count: Int)] = []
    /// 0...1: how much likeness to the items above counts against an item.
    package var diversity = 0.0
    /// Which items may be in the answer, besides the promoted ones.
    package var filter = QuestionFilter()
    /// Lifts the campaign's default filter.
    package var ignoresDefaultFilter = false
    package var promotion: QuestionPromotion?
    /// The items to rank, each once; `nil`: all that may be recommended.
    package var rankedItems: [String]?

    package init(
        campaign: String,
        userID: String,
        sessionID: String,
        count: Int,
        excludesInteracted: Bool = false,
        excludedItems: [String] = []
    ) {
        self.campaign = campaign
        self.userID = userID
        self.sessionID = sessionID
        self.count = count
        self.excludesInteracted = excludesInteracted
        self.excludedItems = excludedItems
    }
}

/// What came of a question, besides the items in `RequestScratch.slots`.
package struct RecommendationAnswer: Sendable {
    /// Where the items' ids are.
    package let root: GroupRoot
    /// Items that passed all exclusions.
    package let eligibleCount: Int
    /// Everything at or below it was seen.
    package let position: LogPosition
    /// What makes numbers from 0 to 1 of the items' scores; `nil` where the recipe gives none.
    package let scale: ScoreScale?
    /// The wanted columns.
    package let columns: [AnswerColumn]
    package let recommendationID: HexText
    /// Goes on with the list; empty on its last page.
    package let nextPageToken: HexText
    /// Of the slots that are promoted.
    package let promotionName: String
}

/// What one question found in the shared state, all of it at one position.
package struct RecommendationPlan: Sendable {
    let runtime: CampaignRuntime
    let root: GroupRoot
    let eligibleCount: Int
    package let position: LogPosition
    let seedItem: ItemIndex?
    let page: ServedPage?
    let columns: [AnswerColumn]
    let diversity: Diversity?
    let context: [ContextValue]
}

/// Copies of what one question needs of the shared state.
package struct RequestFacts: Sendable {
    var history: [Interaction] = []
    var candidates = ItemBitmap()
    /// The items to rank, in their order; `nil` for what is unknown or no candidate.
    var ranked: [UInt32?] = []
    /// Of the items to rank, the ids that can't be recommended: nobody put or touched such an item,
    /// or it is gone.
    var unknown: [String] = []
    /// What the user's record says, where the history says little.
    var userTokens: [ItemToken] = []
    /// What a promotion may show; `nil` without one.
    var promoted: ItemBitmap?

    package init() {}
}

/// The reused memory of one reactor's questions.
///
/// Confined to one thread.
package final class RequestScratch {
    /// What the model made of the question, before anything else.
    package let ranking = RankingScratch()
    /// The answer's list.
    package internal(set) var slots: [ServedSlot] = []
    var facts = RequestFacts()
    var exploration = Explorer.Scratch()
    /// The list as it is remembered.
    var served = ServedList()

    package init() {}
}

/// Answers a question: campaign, history, candidates, scores, the best.
package struct RecommendationPipeline: Sendable {
    let engine: DatasetEngine
    let lists: ServedLists
    let filterScratches = Pool { FilterScratch() }
    private let table: ServingTable

    package init(
        engine: DatasetEngine,
        table: ServingTable,
        lists: ServedLists = ServedLists()
    ) {
        self.engine = engine
        self.table = table
        self.lists = lists
    }

    /// The items are left in `scratch.slots`, best first.
    ///
    /// - Throws: `resourceNotFound` for an unknown campaign, `resourceInUse` for one that can't
    ///   answer yet, `invalidInput` when the question does not fit the campaign's recipe.
    package func answer(
        _ query: RecommendationQuery,
        _ scratch: RequestScratch
    ) throws(Refusal) -> RecommendationAnswer {
        let (runtime, group) = try target(query)
        let wishes = try wishes(of: query, runtime)
        let plan = try engine.consistently { () throws(Refusal) in
            try gather(query, runtime, group, wishes, &scratch.facts)
        }
        return rank(plan, query, &scratch.facts, scratch)
    }

    /// A campaign's name that is known already, so that a question needs no copy of it; `nil` for
    /// one that answers nothing.
    package func campaign(named bytes: RawSpan) -> String? { table.name(bytes) }

    /// Who answers, with the data of its group.
    func target(
        _ query: RecommendationQuery
    ) throws(Refusal) -> (CampaignRuntime, GroupStore) {
        guard let runtime = table.runtime(for: query.campaign) else {
            let name = try ResourceName(parsing: query.campaign, as: .campaign, field: "campaign")
            guard engine.resources[name] != nil else { throw .missing(name, "campaign") }
            throw Refusal(
                .resourceInUse,
                "the campaign '\(name)' is not ACTIVE",
                resource: name.text
            )
        }
        try Self.check(query, runtime.kind)
        guard let group = engine.group(runtime.group) else {
            throw .missing(ResourceName(unchecked: query.campaign), "campaign")
        }
        return (runtime, group)
    }

    private static func check(
        _ query: RecommendationQuery,
        _ kind: RecipeCatalog.Kind
    ) throws(Refusal) {
        let isRanking = query.rankedItems != nil
        let names = "this campaign's recipe"
        switch kind {
        case .personalizedRanking where !isRanking:
            throw .invalid("campaign", "\(names) ranks given items: call GetPersonalizedRanking")
        case .popularItems where isRanking, .relatedItems where isRanking:
            throw .invalid("campaign", "\(names) does not rank given items")
        case .relatedItems where query.seedItem.isEmpty:
            throw .invalid("item_id", "is required by \(names)")
        case .userPersonalization, .personalizedRanking:
            guard query.userID.isEmpty, query.sessionID.isEmpty else { return }
            throw .invalid("user_id", "is required by \(names), or a session_id")
        case .popularItems, .relatedItems: return
        }
    }

    /// Scores the candidates of a plan; the items are left in `scratch.slots`, best first.
    package func rank(
        _ plan: RecommendationPlan,
        _ query: RecommendationQuery,
        _ facts: inout RequestFacts,
        _ scratch: RequestScratch
    ) -> RecommendationAnswer {
        answer(plan, query, &facts, scratch, remembers: true)
    }

    /// The history as the campaign's solution sees it.
    func history(_ plan: RecommendationPlan, _ facts: borrowing RequestFacts) -> [Interaction] {
        guard let selection = plan.runtime.selection else { return facts.history }
        return facts.history.filter { selection.selects($0.type) }
    }

    func answer(
        _ plan: RecommendationPlan,
        _ query: RecommendationQuery,
        _ facts: inout RequestFacts,
        _ scratch: RequestScratch,
        remembers: Bool
    ) -> RecommendationAnswer {
        let ranking = scratch.ranking
        let history = history(plan, facts)
        let promoted = promote(plan, query, history, &facts, ranking)
        // What a promotion alone may show is no part of the list that pages go on with.
        let unserved =
            query.promotion == nil
            ? plan.eligibleCount - (plan.page?.items.count ?? 0) : facts.candidates.count
        let count = query.count - promoted.count
        let pool = pool(plan, query)
        let isRanking = query.rankedItems != nil
        let kind = plan.runtime.kind
        ranking.wantsPartition = kind == .userPersonalization && !isRanking
        score(plan, history, count, pool, facts, ranking)
        let scale: ScoreScale? =
            switch kind {
            case .userPersonalization, .personalizedRanking:
                isRanking ? ScoreScale(over: ranking.top) : ScoreScale(ranking)
            case .popularItems, .relatedItems: nil
            }
        let seed = fill(plan, query, count, pool, &facts, scratch)
        let hasMore = scratch.slots.count < unserved
        place(promoted, plan, query, facts, scratch)
        let list =
            remembers ? remember(plan, query, seed, scratch, hasMore) : (HexText(), HexText())
        return RecommendationAnswer(
            root: plan.root,
            eligibleCount: plan.eligibleCount,
            position: plan.position,
            scale: scale,
            columns: plan.columns,
            recommendationID: list.0,
            nextPageToken: list.1,
            promotionName: query.promotion?.name ?? ""
        )
    }

    /// What the model makes of the question.
    ///
    /// By itself, since whoever holds the candidates' words makes the next change copy them.
    private func score(
        _ plan: RecommendationPlan,
        _ history: [Interaction],
        _ count: Int,
        _ pool: ExplorationPool?,
        _ facts: borrowing RequestFacts,
        _ ranking: RankingScratch
    ) {
        let words = facts.candidates.words
        let question = RankingQuery(
            history: history.span,
            candidates: ItemBitmapView(words: words.span),
            count: plan.diversity?.depth(count) ?? count,
            item: plan.seedItem,
            userTokens: facts.userTokens,
            unfamiliar: pool?.items ?? [],
            context: plan.context
        )
        plan.runtime.model.rank(question, scratch: ranking)
    }

    /// Copies what the request needs of the shared state.
    func gather(
        _ query: RecommendationQuery,
        _ runtime: CampaignRuntime,
        _ group: GroupStore,
        _ wishes: ListWishes,
        _ facts: inout RequestFacts
    ) throws(Refusal) -> RecommendationPlan {
        let root = group.currentRoot
        let filters = try filters(of: query, runtime, group, root)
        facts.history.removeAll(keepingCapacity: true)
        facts.candidates.assign(root.candidates)
        let owner = owner(query, group, &facts)
        facts.userTokens.removeAll(keepingCapacity: true)
        if let tokenizer = runtime.userTokenizer, !query.userID.isEmpty,
            facts.history.count < runtime.model.userTokensBelow
        {
            facts.userTokens = tokenizer.tokens(of: group.userRecord(withID: query.userID))
        }
        if let (id, kind) = owner, query.excludesInteracted {
            id.withRawSpan { group.removeInteracted(of: $0, kind, from: &facts.candidates) }
        }
        for item in query.excludedItems {
            if let index = item.withRawSpan({ group.item(withID: $0) }) {
                facts.candidates.remove(Int(index.rawValue))
            }
        }
        facts.unknown.removeAll()
        if let items = query.rankedItems {
            restrict(&facts, to: items, excluding: query.excludedItems, group, root)
        }
        let seedItem =
            runtime.kind == .relatedItems
            ? query.seedItem.withRawSpan { group.item(withID: $0) } : nil
        // An item is not related to itself.
        if let seedItem { facts.candidates.remove(Int(seedItem.rawValue)) }
        let subject = FilterSubject(
            owner: owner,
            userID: query.userID,
            itemID: query.seedItem,
            now: query.askedAt
        )
        restrict(&facts.candidates, &facts.promoted, with: filters, subject, group, root)
        if !facts.unknown.isEmpty, !filters.isEmpty {
            facts.unknown = passing(facts.unknown, filters, subject, group, root)
        }
        let isWhole =
            filters.isEmpty && !query.excludesInteracted && query.excludedItems.isEmpty
            && query.rankedItems == nil && seedItem == nil
        let eligibleCount = isWhole ? root.candidateCount : facts.candidates.count
        for item in wishes.page?.items ?? [] {
            facts.candidates.remove(Int(item.rawValue))
            facts.promoted?.remove(Int(item.rawValue))
        }
        return RecommendationPlan(
            runtime: runtime,
            root: root,
            eligibleCount: eligibleCount,
            position: engine.position,
            seedItem: seedItem,
            page: wishes.page,
            columns: wishes.columns,
            diversity: wishes.diversity,
            context: wishes.context
        )
    }

    /// Whose history it is, with the newest of it copied: the user's; a session's of that name, as
    /// in Personalize; or the session's.
    private func owner(
        _ query: RecommendationQuery,
        _ group: GroupStore,
        _ facts: inout RequestFacts
    ) -> (String, OwnerKind)? {
        if hasCopied(query.userID, .user, group, &facts) { return (query.userID, .user) }
        if hasCopied(query.userID, .session, group, &facts) { return (query.userID, .session) }
        if hasCopied(query.sessionID, .session, group, &facts) {
            return (query.sessionID, .session)
        }
        return nil
    }

    /// Copies the newest of an owner's history; false when nobody has that id.
    private func hasCopied(
        _ id: String,
        _ kind: OwnerKind,
        _ group: GroupStore,
        _ facts: inout RequestFacts
    ) -> Bool {
        guard !id.isEmpty else { return false }
        return id.withRawSpan { bytes in
            group.copyHistory(
                of: bytes,
                kind,
                newest: Limits.queryHistoryMax,
                into: &facts.history
            )
        }
    }
}
