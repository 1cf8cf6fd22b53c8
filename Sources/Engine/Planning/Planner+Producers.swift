import Primitives
import Resources

/// Batches that a producer may send again.
extension Planner {
    /// The first answer to a batch that is known; `nil` for one that is new.
    ///
    /// - Throws: `resourceAlreadyExists` for another body under the same ids, `resourceInUse` for a
    ///   batch that is so old that nobody knows whether it is new.
    func firstAnswer(
        to batch: ProducerBatch,
        _ key: ProducerKey
    ) throws(Stop) -> MutationOutcome? {
        let planned = self.batch.producers[key]
        let producer = engine.writer.producers.producers[key]
        if let known = planned?.answers[batch.batchID] ?? producer?.answer(batch.batchID) {
            guard known.bodyHash == batch.bodyHash else {
                throw .refused(
                    Refusal(
                        .resourceAlreadyExists,
                        "batch_id: \(batch.batchID) of this producer came before with another body",
                        violations: [
                            .init(
                                field: "batch_id",
                                description: "\(batch.batchID) came before with another body"
                            )
                        ]
                    )
                )
            }
            return known.outcome
        }
        let forgotten = planned?.forgottenCount ?? 0
        let remembered = (producer?.answers.count ?? 0) - forgotten
        if remembered + (planned?.answers.count ?? 0) >= Limits.batchesRememberedMax,
            let oldest = producer.flatMap({ $0.answers.dropFirst(forgotten).first?.batchID }),
            batch.batchID < oldest
        {
            throw .refused(
                Refusal(
                    .resourceInUse,
                    "batch_id: \(batch.batchID) is older than the last "
                        + "\(Limits.batchesRememberedMax) batches of this producer, which begin at "
                        + "\(oldest)",
                    violations: [
                        .init(field: "batch_id", description: "\(batch.batchID) is too old")
                    ]
                )
            )
        }
        return nil
    }

    /// Keeps the answer to a batch, and lets one go that is too old or of a producer too many.
    mutating func remember(
        _ outcome: MutationOutcome,
        to batch: ProducerBatch,
        _ key: ProducerKey
    ) {
        let answer = BatchAnswer(
            batchID: batch.batchID,
            bodyHash: batch.bodyHash,
            position: position,
            appliedCount: outcome.appliedCount,
            duplicateCount: outcome.duplicateCount,
            rejected: outcome.rejected.map { one in
                // As much of it as an answer has.
                var refusal = Refusal(one.refusal.code, one.refusal.message)
                refusal.violations = one.refusal.violations.prefix(1).map {
                    .init(field: $0.field, description: "")
                }
                return RejectedRecord(index: one.index, refusal: refusal)
            }
        )
        let table = engine.writer.producers
        let producer = table.producers[key]
        var planned = PlanOverlay.PlannedProducer()
        planned.answers[batch.batchID] = answer
        let before = self.batch.producers[key]
        let forgotten = before?.forgottenCount ?? 0
        if let producer,
            producer.answers.count - forgotten + (before?.answers.count ?? 0)
                >= Limits.batchesRememberedMax,
            forgotten < producer.answers.count
        {
            effects.append(
                .batchForgotten(key, batchID: producer.answers[forgotten].batchID)
            )
            planned.forgottenCount = 1
        }
        if producer == nil, before == nil,
            table.counts[key.group, default: 0] >= Limits.producersPerGroupMax,
            let idlest = table.idlest(
                key.group,
                except: {
                    self.batch.producers[$0] != nil || self.batch.forgottenProducers.contains($0)
                }
            )
        {
            local.forgottenProducers.insert(idlest)
            effects.append(.producerForgotten(idlest))
        }
        local.producers[key] = planned
        effects.append(.batchRemembered(key, answer))
    }
}
