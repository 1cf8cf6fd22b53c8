import Engine
import Primitives
import RPC
import Recipes
import Resources
import Serving
import Wire

/// Batches of questions: all are read at one position and answered a few at a time, so that the
/// other calls of the loop wait for a few only.
extension RecommendationsService {
    func answer(_ queries: [Result<RecommendationQuery, Refusal>], _ call: ServerCall) {
        let (planned, position) = pipeline.plan(queries)
        let work = BatchWork(planned, position)
        go(on: work, call)
    }

    private func go(on work: BatchWork, _ call: ServerCall) {
        scratches.with { scratch in
            for _ in 0..<Limits.batchQueriesPerTurn where !work.isDone {
                work.answerNext(pipeline, scratch)
            }
        }
        guard !work.isDone else {
            let response = work.response
            return call.reply { $0.append(response.bytes) }
        }
        call.handle.complete { self.go(on: work, $0) }
    }
}

/// A batch under way.
///
/// SAFETY of `@unchecked`: confined to the loop of its call, which hands it from turn to turn.
private final class BatchWork: @unchecked Sendable {
    let response = ByteWriter()
    private let planned: [Result<PlannedQuery, Refusal>]
    private var next = 0

    init(_ planned: [Result<PlannedQuery, Refusal>], _ position: LogPosition) {
        self.planned = planned
        BatchGetRecommendationsResponseBuilder(into: response).position(position.rawValue)
    }

    var isDone: Bool { next == planned.count }

    func answerNext(_ pipeline: RecommendationPipeline, _ scratch: RequestScratch) {
        let one = planned[next]
        next += 1
        BatchGetRecommendationsResponseBuilder(into: response).results { result in
            switch one {
            case .success(let planned):
                var facts = planned.facts
                let answer = pipeline.rank(planned.plan, planned.query, &facts, scratch)
                result.response { response in
                    RecommendationsService.write(answer, scratch.slots, response)
                }
            case .failure(let refusal):
                let status = StatusMapping.status(refusal)
                result.error { error in
                    error.code(Int32(status.code.rawValue))
                    error.message(status.message)
                }
            }
        }
    }
}
