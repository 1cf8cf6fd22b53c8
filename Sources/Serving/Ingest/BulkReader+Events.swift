import Engine
import Formats
import Primitives
import Resources

/// Rows of interactions, made to cost as little as they can.
extension BulkReader {
    mutating func events(
        _ block: inout CellBlock,
        _ now: Timestamp,
        _ rejected: inout [RejectedRow]
    ) -> (records: BulkRecords, count: Int) {
        var events = BulkEvents()
        events.rows.reserveCapacity(block.rows.count)
        let latest = now.milliseconds + limits.clockSkewMS
        var types: [[UInt8]: UInt16] = [:]
        lastType = ([], 0)
        for (ordinal, row) in block.rows.enumerated() {
            guard let cells = cells(row, block, &rejected) else { continue }
            do throws(CellProblem) {
                let read = try event(cells, block, latest, UInt16(ordinal))
                var event = read.row
                event.type = type(read.type, block, &types, &events)
                events.rows.append(event)
                if let rest = read.rest { events.rests[event.ordinal] = rest }
            } catch {
                reject(row, error, &rejected)
            }
        }
        let count = events.rows.count
        swap(&events.text, &block.text)
        return (.events(events), count)
    }

    private struct ReadEvent {
        var row: BulkEvents.Row
        var type: CellBlock.Cell?
        var rest: BulkEvents.Rest?
    }

    private func event(
        _ cells: Zip2Sequence<ArraySlice<CellBlock.Cell>, [Target]>,
        _ block: CellBlock,
        _ latest: Int64,
        _ ordinal: UInt16
    ) throws(CellProblem) -> ReadEvent {
        let none = TextRange(start: 0, count: 0)
        var read = ReadEvent(
            row: .init(user: none, item: none, type: 0, ordinal: ordinal, milliseconds: -1)
        )
        for (cell, target) in cells where !cell.isNull {
            let range = TextRange(start: Int(cell.start), count: Int(cell.count))
            switch target {
            case .user:
                try CellText.checkID(cell, block, target)
                read.row.user = range
            case .item:
                try CellText.checkID(cell, block, target)
                read.row.item = range
            case .time:
                let time = try CellText.time(cell, block, target, latest: latest, limits)
                read.row.milliseconds = time.milliseconds
            case .type:
                try CellText.checkID(cell, block, target)
                read.type = cell
            case .value:
                read.row.value = try CellText.number(cell, block, target)
            default:
                var rest =
                    read.rest ?? EventRecord(eventType: "", occurredAt: Timestamp(milliseconds: 0))
                try take(cell, target, block, &rest)
                read.rest = rest
            }
        }
        if read.row.user.count == 0 { throw CellProblem(target: .user, reason: "is required") }
        if read.row.item.count == 0 { throw CellProblem(target: .item, reason: "is required") }
        if read.row.milliseconds < 0 { throw CellProblem(target: .time, reason: "is required") }
        if index.columns.contains(where: { !$0.isNullable }) || read.rest != nil {
            var rest =
                read.rest ?? EventRecord(eventType: "", occurredAt: Timestamp(milliseconds: 0))
            try finish(&rest.properties)
            read.rest = rest
        }
        return read
    }

    private func take(
        _ cell: CellBlock.Cell,
        _ target: Target,
        _ block: CellBlock,
        _ rest: inout BulkEvents.Rest
    ) throws(CellProblem) {
        let text = block.string(cell)
        switch target {
        case .recommendation:
            try CellText.check(text, 40, target)
            rest.recommendationID = text
        case .impression:
            try CellText.check(text, Limits.valueCharactersMax, target)
            let items = text.split(separator: "|", omittingEmptySubsequences: false)
            guard items.count <= Limits.impressionMax, !items.contains("") else {
                throw CellProblem(
                    target: target,
                    reason: "is not 1 to \(Limits.impressionMax) items with '|' between them"
                )
            }
            rest.impression = items.map(String.init)
        case .source:
            let isPrintable = text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
            guard isPrintable, text.utf8.count <= 1_024, text.contains(where: { $0 != " " }) else {
                throw CellProblem(
                    target: target,
                    reason: "is not 1 to 1,024 printable ASCII characters with one that is no space"
                )
            }
            rest.attributionSource = text
        case .own(let column):
            try set(column, cell, block, in: &rest.properties)
        case .user, .item, .time, .type, .value, .created, .unknown: break
        }
    }

    /// The chunk's number of an event type.
    private mutating func type(
        _ cell: CellBlock.Cell?,
        _ block: CellBlock,
        _ types: inout [[UInt8]: UInt16],
        _ events: inout BulkEvents
    ) -> UInt16 {
        let bytes = cell.map { block.text[$0.range] } ?? []
        if !events.types.isEmpty, bytes.elementsEqual(lastType.bytes) { return lastType.index }
        let key = Array(bytes)
        let index = types[key] ?? UInt16(events.types.count)
        if types.updateValue(index, forKey: key) == nil {
            events.types.append(
                key.isEmpty ? eventType : String(decoding: key, as: UTF8.self)
            )
        }
        lastType = (key, index)
        return index
    }
}
