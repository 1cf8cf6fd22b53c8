import Engine
package import Journal
import Primitives
package import RPC
import Recipes
import Resources
package import Serving
import Wire

/// `bowerbird.v1.RecommendationsService`, on the reactor that the call came in on.
package final class RecommendationsService: Sendable {
    private let pipeline: RecommendationPipeline
    private let engine: DatasetEngine
    private let sequencer: Sequencer
    private let scratches = Pool { RequestScratch() }
    private let arenas = ArenaPool()

    package init(journal: Journal, table: ServingTable) {
        engine = journal.engine
        sequencer = journal.sequencer
        pipeline = RecommendationPipeline(engine: journal.engine, table: table)
    }

    package func add(to router: inout Router) {
        router.unary("/bowerbird.v1.RecommendationsService/GetRecommendations") {
            [self] message, call in
            do {
                let (query, position) = try arenas.withArena { arena in
                    let request = try GetRecommendationsRequestView(
                        unpacking: message,
                        into: arena
                    )
                    return (try Self.query(request), LogPosition(request.minPosition))
                }
                guard position > engine.position else { return answer(query, call) }
                let handle = call.handle
                sequencer.whenApplied(position) { [self] in
                    handle.complete { self.answer(query, $0) }
                }
            } catch {
                call.fail(StatusMapping.status(of: error))
            }
        }
    }

    private static func query(
        _ request: borrowing GetRecommendationsRequestView
    ) throws -> RecommendationQuery {
        let count = request.hasNumResults ? request.numResults : 25
        guard (1...500).contains(count) else {
            throw Refusal.invalid("num_results", "is \(count); 1 to 500 are allowed")
        }
        guard !request.campaign.isEmpty else {
            throw Refusal.invalid("campaign", "is required; a campaign's resource name")
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
        let query = RecommendationQuery(
            campaign: request.campaign.string,
            userID: request.userID.string,
            sessionID: request.sessionID.string,
            count: Int(count),
            excludesInteracted: request.excludeInteracted,
            excludedItems: excluded
        )
        for (id, field) in [(query.userID, "user_id"), (query.sessionID, "session_id")]
        where id.unicodeScalars.count > Limits.identifierCharactersMax {
            throw Refusal.invalid(field, "has more than 256 characters")
        }
        return query
    }

    private func answer(_ query: RecommendationQuery, _ call: ServerCall) {
        scratches.with { answer(query, call, $0) }
    }

    private func answer(
        _ query: RecommendationQuery,
        _ call: ServerCall,
        _ scratch: RequestScratch
    ) {
        do throws(Refusal) {
            let answer = try pipeline.answer(query, scratch)
            let id = "RID-" + call.context.requestID.suffix(36)
            call.reply { writer in
                let response = GetRecommendationsResponseBuilder(into: writer)
                for ranked in scratch.ranking.top {
                    response.itemList { item in
                        item.itemID(answer.root.id(of: ranked.item))
                        item.score(Double(ranked.score))
                        item.reason(Self.reason(ranked.reason))
                    }
                }
                response.recommendationID(id)
                response.eligibleCount(UInt64(answer.eligibleCount))
                response.position(answer.position.rawValue)
            }
        } catch {
            call.fail(StatusMapping.status(error))
        }
    }

    private static func reason(_ reason: RankingReason) -> RecommendationReasonValue {
        switch reason {
        case .none: .unspecified
        case .popular: .popular
        case .sequence: .sequence
        }
    }
}
