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

    package init(journal: Journal, table: ServingTable) {
        engine = journal.engine
        sequencer = journal.sequencer
        pipeline = RecommendationPipeline(engine: journal.engine, table: table)
    }

    package func add(to router: inout Router) {
        let path = "/bowerbird.v1.RecommendationsService/"
        router.unary(path + "GetRecommendations") { [self] message, call in
            ask(message, call) { arena in
                let request = try GetRecommendationsRequestView(unpacking: message, into: arena)
                return (try Self.query(request), LogPosition(request.minPosition))
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
                return (try Self.query(request), LogPosition(request.minPosition))
            } _: { query, call in
                self.scratches.with { self.rank(query, call, $0) }
            }
        }
        router.unary(path + "BatchGetRecommendations") { [self] message, call in
            ask(message, call) { arena in
                let request = try BatchGetRecommendationsRequestView(
                    unpacking: message,
                    into: arena
                )
                return (try Self.queries(request), LogPosition(request.minPosition))
            } _: { queries, call in
                self.answer(queries, call)
            }
        }
    }

    /// Reads a question, waits for the position that it asks for, and answers.
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
            sequencer.whenApplied(position) {
                handle.complete { answer(question, $0) }
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
            let id = Self.recommendationID(call)
            call.reply { writer in
                Self.write(
                    answer,
                    scratch.ranking.top,
                    id,
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
            let id = Self.recommendationID(call)
            call.reply { writer in
                let response = GetPersonalizedRankingResponseBuilder(into: writer)
                for ranked in scratch.ranking.top {
                    response.personalizedRanking { Self.write(ranked, answer, $0) }
                }
                for item in unknown { response.personalizedRanking { $0.itemID(item) } }
                response.recommendationID(id)
                response.position(answer.position.rawValue)
            }
        } catch {
            call.fail(StatusMapping.status(error))
        }
    }

    static func recommendationID(_ call: ServerCall) -> String {
        "RID-" + call.context.requestID.suffix(36)
    }
}
