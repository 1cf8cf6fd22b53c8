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

/// What came of a question, besides the items in `RequestScratch.ranking.top`.
package struct RecommendationAnswer: Sendable {
    /// Where the items' ids are.
    package let root: GroupRoot
    /// Items that passed all exclusions.
    package let eligibleCount: Int
    /// Everything at or below it was seen.
    package let position: LogPosition
}

/// The reused memory of one reactor's questions.
///
/// Confined to one thread.
package final class RequestScratch {
    package let ranking = RankingScratch()
    var history: [Interaction] = []
    var candidates = ItemBitmap()

    package init() {}
}

/// Answers a question: campaign, history, candidates, scores, the best.
package struct RecommendationPipeline: Sendable {
    private let engine: DatasetEngine
    private let table: ServingTable

    package init(engine: DatasetEngine, table: ServingTable) {
        self.engine = engine
        self.table = table
    }

    /// The items are left in `scratch.ranking.top`, best first.
    ///
    /// - Throws: `resourceNotFound` for an unknown campaign, `resourceInUse` for one that can't
    ///   answer
    ///   yet, `invalidInput` when the recipe needs a user and none is given.
    package func answer(
        _ query: RecommendationQuery,
        _ scratch: RequestScratch
    ) throws(Refusal) -> RecommendationAnswer {
        let runtime = try runtime(query)
        guard let group = engine.group(runtime.group) else {
            throw .missing(ResourceName(unchecked: query.campaign), "campaign")
        }
        let answer = engine.consistently {
            let root = group.currentRoot
            gather(query, group, root, scratch)
            return RecommendationAnswer(
                root: root,
                eligibleCount: query.excludesInteracted || !query.excludedItems.isEmpty
                    ? scratch.candidates.count : root.candidateCount,
                position: engine.position
            )
        }
        let history = scratch.history
        let words = scratch.candidates.words
        let ranking = RankingQuery(
            history: history.span,
            candidates: ItemBitmapView(words: words.span),
            count: query.count
        )
        runtime.model.rank(ranking, scratch: scratch.ranking)
        return answer
    }

    private func runtime(_ query: RecommendationQuery) throws(Refusal) -> CampaignRuntime {
        guard let runtime = table.runtime(for: query.campaign) else {
            let name = try ResourceName(parsing: query.campaign, as: .campaign, field: "campaign")
            guard engine.resources[name] != nil else { throw .missing(name, "campaign") }
            throw Refusal(
                .resourceInUse,
                "the campaign '\(name)' is not ACTIVE",
                resource: name.text
            )
        }
        if runtime.kind == .userPersonalization, query.userID.isEmpty, query.sessionID.isEmpty {
            throw .invalid("user_id", "is required by this campaign's recipe, or a session_id")
        }
        return runtime
    }

    /// Copies what the request needs of the shared state.
    private func gather(
        _ query: RecommendationQuery,
        _ group: GroupStore,
        _ root: GroupRoot,
        _ scratch: RequestScratch
    ) {
        scratch.history.removeAll(keepingCapacity: true)
        scratch.candidates.assign(root.candidates)
        if let (id, kind) = owner(query, group, scratch), query.excludesInteracted {
            id.withRawSpan { group.removeInteracted(of: $0, kind, from: &scratch.candidates) }
        }
        for item in query.excludedItems {
            if let index = item.withRawSpan({ group.item(withID: $0) }) {
                scratch.candidates.remove(Int(index.rawValue))
            }
        }
    }

    /// Whose history it is, with the newest of it copied: the user's; a session's of that name, as
    /// in Personalize; or the session's.
    private func owner(
        _ query: RecommendationQuery,
        _ group: GroupStore,
        _ scratch: RequestScratch
    ) -> (String, OwnerKind)? {
        let asked: [(String, OwnerKind)] =
            query.userID.isEmpty
            ? [(query.sessionID, .session)]
            : [(query.userID, .user), (query.userID, .session), (query.sessionID, .session)]
        for (id, kind) in asked where !id.isEmpty {
            let isKnown = id.withRawSpan { bytes in
                group.copyHistory(
                    of: bytes,
                    kind,
                    newest: Limits.queryHistoryMax,
                    into: &scratch.history
                )
            }
            if isKnown { return (id, kind) }
        }
        return nil
    }
}
