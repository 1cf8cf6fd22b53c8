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
    let pipeline: RecommendationPipeline
    let scratches = Pool { RequestScratch() }
    let arenas = ArenaPool()
    private let engine: DatasetEngine
    private let sequencer: Sequencer

    package init(journal: Journal, table: ServingTable, lists: ServedLists) {
        engine = journal.engine
        sequencer = journal.sequencer
        pipeline = RecommendationPipeline(engine: journal.engine, table: table, lists: lists)
    }

    package func add(to router: inout Router) {
        let path = "/bowerbird.v1.RecommendationsService/"
        router.unary(path + "GetRecommendations") { [self] message, call in
            ask(message, call) { arena in
                let request = try GetRecommendationsRequestView(unpacking: message, into: arena)
                let now = call.context.clock.now()
                let campaign = pipeline.campaign(named: request.campaign.bytes)
                let query = try Self.query(request, campaign, now: now)
                return (query, LogPosition(request.minPosition))
            } _: { query, call in
                self.scratches.with { self.answer(query, call, $0) }
            }
        }
        router.unary(path + "GetPersonalizedRanking") { [self] message, call in
            ask(message, call) { arena in
                let request = try GetPersonalizedRankingRequestView(
                    unpacking: message,
                    into: arena
                )
                let now = call.context.clock.now()
                return (try Self.query(request, now: now), LogPosition(request.minPosition))
            } _: { query, call in
                self.scratches.with { self.rank(query, call, $0) }
            }
        }
        router.unary(path + "ExplainRecommendation") { [self] message, call in
            ask(message, call) { arena in
                let request = try ExplainRecommendationRequestView(unpacking: message, into: arena)
                let now = call.context.clock.now()
                let position = request.hasQuery ? request.query.minPosition : 0
                return (try Self.explained(request, now: now), LogPosition(position))
            } _: { question, call in
                self.explain(question, call)
            }
        }
        router.unary(path + "BatchGetRecommendations") { [self] message, call in
            ask(message, call) { arena in
                let request = try BatchGetRecommendationsRequestView(
                    unpacking: message,
                    into: arena
                )
                let now = call.context.clock.now()
                return (try Self.queries(request, now: now), LogPosition(request.minPosition))
            } _: { queries, call in
                self.answer(queries, call)
            }
        }
    }

    /// Reads a question, waits for the position that it asks for, and answers.
    ///
    /// Inlined, since a question of unknown type is copied by its witnesses.
    @inline(__always)
    private func ask<Question: Sendable>(
        _ message: RawSpan,
        _ call: ServerCall,
        _ read: (Arena) throws -> (Question, LogPosition),
        _ answer: @escaping @Sendable (Question, ServerCall) -> Void
    ) {
        do {
            let (question, position) = try arenas.withArena { arena in try read(arena) }
            guard position > engine.position else { return answer(question, call) }
            let handle = call.handle
            let wait = sequencer.whenApplied(position) {
                handle.complete { answer(question, $0) }
            }
            switch wait {
            case .over: break
            case .waiting(let id):
                call.onCancel { [sequencer] in sequencer.forget(waiter: id) }
            case .refused:
                call.askToRetryLater()
                call.fail(
                    StatusMapping.refusal(
                        .unavailable,
                        "too many calls wait for a position",
                        retryMS: Limits.retryPushbackMS
                    )
                )
            }
        } catch {
            call.fail(StatusMapping.status(of: error))
        }
    }

    private func answer(
        _ query: RecommendationQuery,
        _ call: ServerCall,
        _ scratch: RequestScratch
    ) {
        do throws(Refusal) {
            let answer = try pipeline.answer(query, scratch)
            call.reply { writer in
                Self.write(
                    answer,
                    scratch.slots,
                    GetRecommendationsResponseBuilder(into: writer)
                )
            }
        } catch {
            call.fail(StatusMapping.status(error))
        }
    }

    private func rank(
        _ query: RecommendationQuery,
        _ call: ServerCall,
        _ scratch: RequestScratch
    ) {
        do throws(Refusal) {
            let (answer, unknown) = try pipeline.ranking(query, scratch)
            call.reply { writer in
                let response = GetPersonalizedRankingResponseBuilder(into: writer)
                for slot in scratch.slots {
                    response.personalizedRanking { Self.write(slot, answer, $0) }
                }
                for item in unknown { response.personalizedRanking { $0.itemID(item) } }
                answer.recommendationID.withRawSpan { response.recommendationID($0) }
                response.position(answer.position.rawValue)
            }
        } catch {
            call.fail(StatusMapping.status(error))
        }
    }
}
