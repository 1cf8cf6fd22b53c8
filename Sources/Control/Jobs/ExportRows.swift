import Engine
import Formats
import Journal
import Primitives
import Resources

/// The rows of a dataset as an export has them, from one snapshot.
///
/// Confined to one thread. Rows that are equal in every field come once: of events the store keeps
/// no two such.
struct ExportRows {
    private let snapshot: RecordSnapshot
    private let group: GroupIndex
    private let schema: Schema
    private let mode: IngestionMode
    let columns: [String]

    init(
        _ snapshot: RecordSnapshot,
        _ group: GroupIndex,
        _ schema: Schema,
        _ mode: IngestionMode
    ) {
        self.snapshot = snapshot
        self.group = group
        self.schema = schema
        self.mode = mode
        columns = schema.fields.map(\.name)
    }

    /// Calls `body` with every row; false stops.
    func forEach(_ body: ([CellValue]) throws(Refusal) -> Bool) throws(Refusal) {
        switch schema.kind {
        case .interactions: try forEachEvent(body)
        case .items, .users: try forEachEntity(body)
        }
    }

    private func takes(_ isBulk: Bool) -> Bool {
        switch mode {
        case .all: true
        case .bulk: isBulk
        case .put: !isBulk
        }
    }

    private func forEachEvent(
        _ body: ([CellValue]) throws(Refusal) -> Bool
    ) throws(Refusal) {
        let owners = try reading { () throws(JournalError) in try snapshot.ownerIDs(of: group) }
        let fields = schema.fields.map { RecordColumn($0, schema) }
        var failure: Refusal?
        try reading { () throws(JournalError) in
            try snapshot.forEachEvent(of: group) { owner, event in
                guard takes(event.generation != 0) else { return true }
                let id = owners[owner] ?? ""
                let row = fields.map { $0.value(event, ownerID: id) }
                do throws(Refusal) {
                    return try body(row)
                } catch {
                    failure = error
                    return false
                }
            }
        }
        if let failure { throw failure }
    }

    private func forEachEntity(
        _ body: ([CellValue]) throws(Refusal) -> Bool
    ) throws(Refusal) {
        let fields = schema.fields.map { RecordColumn($0, schema) }
        var failure: Refusal?
        var last: (index: UInt32, record: EntityRecord)?
        try reading { () throws(JournalError) in
            try snapshot.forEachEntity(of: group, schema.kind) { index, isBulk, record in
                guard takes(isBulk) else { return true }
                // The record that was put comes first, and is the one that counts.
                if let last, last.index == index, mode == .all || last.record == record {
                    return true
                }
                last = (index, record)
                let row = fields.map { $0.value(record) }
                do throws(Refusal) {
                    return try body(row)
                } catch {
                    failure = error
                    return false
                }
            }
        }
        if let failure { throw failure }
    }

    private func reading<Value>(
        _ body: () throws(JournalError) -> Value
    ) throws(Refusal) -> Value {
        do throws(JournalError) {
            return try body()
        } catch {
            throw Refusal(.unavailable, "the store could not be read: \(error)")
        }
    }
}
