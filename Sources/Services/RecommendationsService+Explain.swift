import Engine
import Primitives
import RPC
import Recipes
import Resources
import Serving
import Wire

/// Explanations over the wire.
extension RecommendationsService {
    /// A question with the item that it is about.
    struct ExplainedQuestion: Sendable {
        let query: RecommendationQuery
        let item: String
    }

    static func explained(
        _ request: borrowing ExplainRecommendationRequestView,
        now: Timestamp
    ) throws -> ExplainedQuestion {
        guard request.hasQuery else {
            throw Refusal.invalid("query", "is required; as for GetRecommendations")
        }
        let item = request.itemID.string
        guard !item.isEmpty else { throw Refusal.invalid("item_id", "is required") }
        return ExplainedQuestion(query: try query(request.query, now: now), item: item)
    }

    func explain(_ question: ExplainedQuestion, _ call: ServerCall) {
        scratches.with { scratch in
            do throws(Refusal) {
                let found = try pipeline.explain(question.item, question.query, scratch)
                call.reply { Self.write(found, ExplainRecommendationResponseBuilder(into: $0)) }
            } catch {
                call.fail(StatusMapping.status(error))
            }
        }
    }

    private static func write(
        _ found: Explanation,
        _ response: ExplainRecommendationResponseBuilder
    ) {
        response.slot(UInt32(found.slot ?? 0))
        response.rank(UInt64(found.rank ?? 0))
        response.removedBy(found.removedBy)
        response.linearScore(found.score.sum)
        if let score = found.listedScore { response.score(score) }
        for component in found.score.components {
            response.components { message in
                message.name(component.name)
                message.weight(component.weight)
                message.score(component.score)
            }
        }
        for share in found.score.shares.sorted(by: { $0.amount > $1.amount }) {
            response.contributions { message in
                message.share(share.amount)
                guard let entry = share.entry, entry < found.history.count else { return }
                let event = found.history[entry]
                message.itemID(found.root.id(of: event.item))
                message.eventType(found.group.eventTypeName(Int(event.type.rawValue)) ?? "")
                message.sentAt { time in
                    let milliseconds = event.occurredAt.milliseconds
                    time.seconds(milliseconds / 1_000)
                    time.nanos(Int32(milliseconds % 1_000) * 1_000_000)
                }
            }
        }
        for one in RankingReason.allCases where found.reasons.contains(one) {
            response.reason(reason(one))
        }
        if let exploration = found.exploration {
            response.exploration { trace in
                trace.weight(Double(exploration.weight))
                trace.seed(exploration.seed)
                if let weight = exploration.poolWeight { trace.poolWeight(Double(weight)) }
                if let propensity = exploration.propensity { trace.propensity(Double(propensity)) }
            }
        }
        response.eligibleCount(UInt64(found.eligibleCount))
        response.position(found.position.rawValue)
    }
}
