import Primitives

/// Reads CSV files of any size: rows without quotes by a scanner, others by libcsv.
///
/// A row that can be read in two ways is refused, with its line and column; reading goes on with
/// the next line. Spaces belong to their cell. Empty lines are passed over. Confined to one thread.
package final class CSVRows: RowSource {
    /// How a quote stands in a quoted cell.
    package enum Escape: Sendable {
        /// `""`, as RFC 4180 has it.
        case doubled
        /// `\"`, and `\\` for a backslash, as Amazon Personalize has it; no line ends inside.
        case backslash
    }

    package private(set) var columns: [String] = []
    package private(set) var headerProblem: CellBlock.Refused?
    private let escape: Escape
    private var buffer: LineBuffer
    private var quoted = QuotedRow()
    /// A row that is too long is passed over to its end.
    private var isSkipping = false

    /// Reads a file from its start, or from behind the rows that were read before a restart.
    package init(
        escape: Escape,
        columns: [String] = [],
        offset: UInt64 = 0,
        line: UInt64 = 0
    ) {
        self.escape = escape
        self.columns = columns
        buffer = LineBuffer(offset: offset, line: line)
    }

    package func add(_ bytes: [UInt8]) { buffer.add(bytes) }

    package func next(rowsMax: Int, isEnd: Bool) -> CellBlock {
        var block = CellBlock()
        if buffer.skipMark(isEnd: isEnd) {
            while headerProblem == nil, block.rows.count + block.refused.count < rowsMax {
                guard readRow(&block, isEnd: isEnd) else { break }
                if columns.isEmpty { takeHeader(&block) }
            }
        }
        block.endOffset = buffer.offset
        block.endLine = buffer.line
        return block
    }

    private func takeHeader(_ block: inout CellBlock) {
        headerProblem = block.refused.first
        guard let row = block.rows.first else { return }
        columns = block.cells(of: row).map { block.string($0) }
        block.rows.removeFirst()
    }

    /// Reads one line, or the lines of one row; false when more bytes are needed.
    private func readRow(_ block: inout CellBlock, isEnd: Bool) -> Bool {
        guard buffer.count > 0 else { return false }
        guard let end = buffer.lineEnd(from: 0) ?? (isEnd ? buffer.count : nil) else {
            if buffer.count > Limits.csvRowBytesMax { skip(buffer.count, isWhole: false, &block) }
            return false
        }
        let hasLineEnd = end < buffer.count
        let taken = end + (hasLineEnd ? 1 : 0)
        if isSkipping || end > Limits.csvRowBytesMax {
            skip(taken, isWhole: true, &block)
            return true
        }
        let start = buffer.position
        let kind = unsafe buffer.bytes.withUnsafeBytes { bytes in
            unsafe scan(UnsafeRawBufferPointer(rebasing: bytes[start..<start + end]), &block)
        }
        guard kind == .quoted else {
            buffer.take(taken, lines: 1)
            return true
        }
        return readQuoted(&block, isEnd: isEnd)
    }

    private func skip(_ count: Int, isWhole: Bool, _ block: inout CellBlock) {
        if !isSkipping {
            block.refused.append(
                .init(
                    line: buffer.line + 1,
                    column: 1,
                    reason: "the row has more than \(Limits.csvRowBytesMax) bytes"
                )
            )
        }
        isSkipping = !isWhole
        buffer.take(count, lines: isWhole ? 1 : 0)
    }

    private enum Scanned {
        case done, quoted
    }

    /// A line without quotes becomes cells.
    private func scan(_ whole: UnsafeRawBufferPointer, _ block: inout CellBlock) -> Scanned {
        var line = unsafe whole
        if unsafe Bytes.index(of: 0x22, in: line, from: 0) != nil { return .quoted }
        if let end = unsafe Bytes.index(of: 0x0D, in: line, from: 0) {
            guard end == line.count - 1 else {
                refuse(&block, end, "a carriage return inside the line")
                return .done
            }
            unsafe line = UnsafeRawBufferPointer(rebasing: line[..<end])
        }
        if unsafe line.isEmpty { return .done }
        if let problem = unsafe Self.textProblem(line) {
            refuse(&block, problem.column, problem.reason)
            return .done
        }
        let first = block.cells.count
        let base = block.text.count
        unsafe block.text.append(contentsOf: line)
        var start = 0
        while true {
            let end = unsafe Bytes.index(of: 0x2C, in: line, from: start) ?? line.count
            block.cells.append(
                .init(
                    start: UInt32(base + start),
                    count: UInt32(end - start),
                    isQuoted: false
                )
            )
            if end == line.count { break }
            start = end + 1
            // A comma at the very end: one more cell, which is empty.
            if start == line.count {
                block.cells.append(.init(start: UInt32(base + start), count: 0, isQuoted: false))
                break
            }
        }
        finishRow(&block, firstCell: first)
        return .done
    }

    private func finishRow(_ block: inout CellBlock, firstCell: Int) {
        block.rows.append(
            .init(
                firstCell: UInt32(firstCell),
                cellCount: UInt32(block.cells.count - firstCell),
                line: buffer.line + 1
            )
        )
    }

    private func refuse(_ block: inout CellBlock, _ column: Int, _ reason: String) {
        block.refused.append(.init(line: buffer.line + 1, column: column + 1, reason: reason))
    }

    /// What keeps bytes from being a row's text.
    static func textProblem(
        _ bytes: UnsafeRawBufferPointer
    ) -> (column: Int, reason: String)? {
        if let at = unsafe Bytes.index(of: 0, in: bytes, from: 0) { return (at, "a NUL byte") }
        if unsafe TextCheck.isUTF8(bytes) { return nil }
        return (0, "the line is no UTF-8 text")
    }

    // MARK: Quotes

    /// A row with quotes, which may span lines; false when more bytes are needed.
    private func readQuoted(_ block: inout CellBlock, isEnd: Bool) -> Bool {
        let start = buffer.position
        let found = unsafe buffer.bytes.withUnsafeBytes { bytes in
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[start...])
            return unsafe QuotedRow.extent(of: rest, escape, isEnd: isEnd)
        }
        switch found {
        case .needsMore:
            guard buffer.count > Limits.csvRowBytesMax else { return false }
            refuseLine(&block, 0, "a quote is opened and never closed")
        case .bad(let column, let reason):
            refuseLine(&block, column, reason)
        case .row(let count, let taken, let lines):
            let first = block.cells.count
            let problem: String? = unsafe buffer.bytes.withUnsafeBytes { bytes in
                let row = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
                if let problem = unsafe Self.textProblem(row) { return problem.reason }
                return unsafe quoted.read(row, escape, into: &block)
            }
            if let problem {
                block.cells.removeLast(block.cells.count - first)
                refuse(&block, 0, problem)
            } else {
                finishRow(&block, firstCell: first)
            }
            buffer.take(taken, lines: UInt64(lines))
        }
        return true
    }

    /// Refuses the line that the row begins with; the next one is a row of its own again.
    private func refuseLine(_ block: inout CellBlock, _ column: Int, _ reason: String) {
        refuse(&block, column, reason)
        let end = buffer.lineEnd(from: 0) ?? buffer.count
        buffer.take(min(end + 1, buffer.count), lines: 1)
    }
}
