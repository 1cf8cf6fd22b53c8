import Primitives

/// Reads files of JSON objects, one a line: flat, their keys the names of columns.
///
/// A list of texts becomes one text with `|` between them. Confined to one thread.
package final class JSONLines: RowSource {
    /// In order of first sight; rows before a column's have no cell for it.
    package private(set) var columns: [String] = []
    package let headerProblem: CellBlock.Refused? = nil
    private var places: [String: Int] = [:]
    private var buffer: LineBuffer
    private let json = JSONReader()
    private var isSkipping = false

    package init(offset: UInt64 = 0, line: UInt64 = 0) {
        buffer = LineBuffer(offset: offset, line: line)
    }

    package func add(_ bytes: [UInt8]) { buffer.add(bytes) }

    package func next(rowsMax: Int, isEnd: Bool) -> CellBlock {
        var block = CellBlock()
        if buffer.skipMark(isEnd: isEnd) {
            while block.rows.count + block.refused.count < rowsMax {
                guard readLine(&block, isEnd: isEnd) else { break }
            }
        }
        block.endOffset = buffer.offset
        block.endLine = buffer.line
        return block
    }

    private func readLine(_ block: inout CellBlock, isEnd: Bool) -> Bool {
        guard buffer.count > 0 else { return false }
        let end = buffer.lineEnd(from: 0) ?? (isEnd ? buffer.count : nil)
        guard let end, end <= Limits.csvRowBytesMax else {
            guard buffer.count > Limits.csvRowBytesMax else { return false }
            if !isSkipping {
                refuse(&block, "the line has more than \(Limits.csvRowBytesMax) bytes")
            }
            isSkipping = end == nil
            let taken = end.map { min($0 + 1, buffer.count) } ?? buffer.count
            buffer.take(taken, lines: end == nil ? 0 : 1)
            return end != nil
        }
        if !isSkipping { read(buffer.bytes[buffer.position..<buffer.position + end], &block) }
        isSkipping = false
        buffer.take(min(end + 1, buffer.count), lines: 1)
        return true
    }

    private func read(_ line: ArraySlice<UInt8>, _ block: inout CellBlock) {
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return }
        let problem = unsafe line.withUnsafeBytes { unsafe CSVRows.textProblem($0) }
        if let problem { return refuse(&block, problem.reason) }
        do throws(JSONError) {
            guard case .object(let members) = try json.parse(String(decoding: line, as: UTF8.self))
            else { return refuse(&block, "the line is JSON, but no object") }
            append(members, &block)
        } catch {
            refuse(&block, "the line is no JSON document: \(error.message)")
        }
    }

    private func append(_ members: [JSONMember], _ block: inout CellBlock) {
        var values: [Int: JSONValue] = [:]
        for member in members {
            let place = places[member.key] ?? columns.count
            if place == columns.count {
                guard columns.count < Limits.csvColumnsMax else {
                    return refuse(&block, "more than \(Limits.csvColumnsMax) different keys")
                }
                places[member.key] = place
                columns.append(member.key)
            }
            guard values.updateValue(member.value, forKey: place) == nil else {
                return refuse(&block, "the key '\(member.key.prefix(60))' stands there twice")
            }
        }
        let first = block.cells.count
        for (place, name) in columns.enumerated() {
            guard append(values[place] ?? .null, &block) else {
                block.cells.removeLast(block.cells.count - first)
                return refuse(&block, "'\(name)' is no value of a flat record")
            }
        }
        block.rows.append(
            .init(
                firstCell: UInt32(first),
                cellCount: UInt32(columns.count),
                line: buffer.line + 1
            )
        )
    }

    /// One value as a cell; false when it is none.
    private func append(_ value: JSONValue, _ block: inout CellBlock) -> Bool {
        let text: String
        var isText = false
        switch value {
        case .null: text = ""
        case .boolean(let flag): text = flag ? "true" : "false"
        case .integer(let number): text = String(number)
        case .double(let number): text = "\(number)"
        case .string(let string):
            text = string
            isText = true
        case .array(let values):
            var parts: [String] = []
            for value in values {
                guard case .string(let part) = value, !part.contains("|") else { return false }
                parts.append(part)
            }
            text = parts.joined(separator: "|")
            isText = true
        case .object: return false
        }
        guard !text.utf8.contains(0) else { return false }
        block.cells.append(
            .init(
                start: UInt32(block.text.count),
                count: UInt32(text.utf8.count),
                isQuoted: isText
            )
        )
        block.text += text.utf8
        return true
    }

    private func refuse(_ block: inout CellBlock, _ reason: String) {
        block.refused.append(.init(line: buffer.line + 1, column: 1, reason: reason))
    }
}
