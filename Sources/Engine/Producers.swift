package import Primitives

/// A producer of one group, by a keyed hash of its id: ids may name people's devices.
package struct ProducerKey: Hashable, Sendable {
    package var group: GroupIndex
    package var high: UInt64
    package var low: UInt64

    package init(group: GroupIndex, high: UInt64, low: UInt64) {
        self.group = group
        self.high = high
        self.low = low
    }

    init(_ id: String, of group: GroupIndex, _ hash: StableHash) {
        self.init(group: group, high: hash.hash(id), low: hash.hash("2" + id))
    }
}

/// Which batch of which producer a call is.
package struct ProducerBatch: Hashable, Sendable {
    package var producerID: String
    package var batchID: UInt64
    /// Of all that the call asks for.
    package var bodyHash: UInt64

    package init(producerID: String, batchID: UInt64, bodyHash: UInt64) {
        self.producerID = producerID
        self.batchID = batchID
        self.bodyHash = bodyHash
    }
}

/// What a batch was answered.
package struct BatchAnswer: Hashable, Sendable {
    package var batchID: UInt64
    package var bodyHash: UInt64
    package var position: LogPosition
    package var appliedCount: Int
    package var duplicateCount: Int
    package var rejected: [RejectedRecord]

    package init(
        batchID: UInt64,
        bodyHash: UInt64,
        position: LogPosition,
        appliedCount: Int,
        duplicateCount: Int,
        rejected: [RejectedRecord]
    ) {
        self.batchID = batchID
        self.bodyHash = bodyHash
        self.position = position
        self.appliedCount = appliedCount
        self.duplicateCount = duplicateCount
        self.rejected = rejected
    }

    var outcome: MutationOutcome {
        var outcome = MutationOutcome(
            position: position,
            appliedCount: appliedCount,
            duplicateCount: duplicateCount
        )
        outcome.rejected = rejected
        return outcome
    }
}

/// The answers to the newest batches of all producers.
///
/// Confined to the writer's thread.
struct ProducerTable {
    struct Producer {
        /// By batch id, the lowest first.
        private(set) var answers: [BatchAnswer] = []
        /// The newest of its answers.
        private(set) var position = LogPosition.zero

        func answer(_ batchID: UInt64) -> BatchAnswer? {
            let index = place(batchID)
            guard index < answers.count, answers[index].batchID == batchID else { return nil }
            return answers[index]
        }

        mutating func remember(_ answer: BatchAnswer) {
            let index = place(answer.batchID)
            if index < answers.count, answers[index].batchID == answer.batchID {
                answers[index] = answer
            } else {
                answers.insert(answer, at: index)
            }
            position = max(position, answer.position)
        }

        mutating func forget(_ batchID: UInt64) {
            let index = place(batchID)
            if index < answers.count, answers[index].batchID == batchID {
                answers.remove(at: index)
            }
        }

        /// Where a batch is or belongs; mostly at the end.
        private func place(_ batchID: UInt64) -> Int {
            guard let last = answers.last, last.batchID >= batchID else { return answers.count }
            var (low, high) = (0, answers.count)
            while low < high {
                let middle = (low + high) / 2
                if answers[middle].batchID < batchID { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    private(set) var producers: [ProducerKey: Producer] = [:]
    /// How many producers each group has.
    private(set) var counts: [GroupIndex: Int] = [:]

    mutating func remember(_ key: ProducerKey, _ answer: BatchAnswer) {
        if producers[key] == nil { counts[key.group, default: 0] += 1 }
        producers[key, default: Producer()].remember(answer)
    }

    mutating func forget(_ key: ProducerKey, _ batchID: UInt64) {
        producers[key]?.forget(batchID)
    }

    mutating func forget(_ key: ProducerKey) {
        if producers.removeValue(forKey: key) != nil { counts[key.group, default: 1] -= 1 }
    }

    mutating func forget(_ group: GroupIndex) {
        for key in producers.keys where key.group == group { forget(key) }
    }

    /// The producer of a group that was heard of longest ago.
    ///
    /// O(producers), only when there are too many.
    func idlest(_ group: GroupIndex, except busy: (ProducerKey) -> Bool) -> ProducerKey? {
        producers.filter { $0.key.group == group && !busy($0.key) }
            .min { ($0.value.position, $0.key.high) < ($1.value.position, $1.key.high) }?.key
    }

    func describe() -> [String] {
        producers.flatMap { key, producer in
            producer.answers.map { "batch \(key.group) \(key.high) \(key.low) \($0)" }
        }
    }
}
