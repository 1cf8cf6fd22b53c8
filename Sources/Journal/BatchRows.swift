import Engine
import Primitives
import Resources

/// The answers to batches of producers as rows.
extension RowWriter {
    func put(_ answer: BatchAnswer) {
        put(answer.bodyHash)
        put(answer.position.rawValue)
        put(UInt64(answer.appliedCount))
        put(UInt64(answer.duplicateCount))
        put(answer.rejected) { row, one in
            row.put(UInt64(one.index))
            row.put(UInt64(one.refusal.code.stored))
            row.put(one.refusal.message)
            row.put(one.refusal.violations.first?.field ?? "")
        }
    }
}

extension RowReader {
    mutating func batchAnswer(_ batchID: UInt64) throws(Damaged) -> BatchAnswer {
        BatchAnswer(
            batchID: batchID,
            bodyHash: try unsigned(),
            position: LogPosition(try unsigned()),
            appliedCount: try narrow(Int.self),
            duplicateCount: try narrow(Int.self),
            rejected: try list { (reader) throws(Damaged) in
                let index = try reader.narrow(Int.self)
                guard let code = Refusal.Code(stored: try reader.narrow(UInt8.self)) else {
                    throw Damaged()
                }
                var refusal = Refusal(code, try reader.text())
                let field = try reader.text()
                if !field.isEmpty { refusal.violations = [.init(field: field, description: "")] }
                return RejectedRecord(index: index, refusal: refusal)
            }
        )
    }
}

extension Refusal.Code {
    private static let inOrder: [Refusal.Code] = [
        .invalidInput, .resourceNotFound, .resourceAlreadyExists, .resourceInUse, .limitExceeded,
        .etagMismatch, .unavailable, .internalFailure,
    ]

    /// Part of the format.
    fileprivate var stored: UInt8 { UInt8(Self.inOrder.firstIndex(of: self) ?? 7) }

    fileprivate init?(stored: UInt8) {
        guard Int(stored) < Self.inOrder.count else { return nil }
        self = Self.inOrder[Int(stored)]
    }
}

extension Recovery {
    func applyBatches(_ effects: inout [Effect]) throws(JournalError) {
        try unsafe store.scan(.batches) { (key, value) throws(JournalError) in
            guard key.count == 28 else { throw unsafe damaged(.batches, key) }
            let producer = ProducerKey(
                group: GroupIndex(UInt32(truncatingIfNeeded: unsafe RowKey.read(key, 0, 4))),
                high: unsafe RowKey.read(key, 4, 8),
                low: unsafe RowKey.read(key, 12, 8)
            )
            var reader = unsafe RowReader(value)
            do throws(RowReader.Damaged) {
                let answer = try reader.batchAnswer(unsafe RowKey.read(key, 20, 8))
                effects.append(.batchRemembered(producer, answer))
            } catch {
                throw unsafe damaged(.batches, key)
            }
            return true
        }
    }
}
