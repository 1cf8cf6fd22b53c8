/// A value of an exported row.
package enum CellValue: Hashable, Sendable {
    case null
    case text(String)
    case integer(Int64)
    case number(Double)
    case boolean(Bool)
    /// Seconds, written with as many digits as they need, at most three.
    case seconds(milliseconds: Int64)
}

/// Writes the rows of an export.
///
/// Two conformers: CSV and JSON Lines.
package protocol RowSink {
    /// What stands before the rows.
    func start(_ columns: [String], into bytes: inout [UInt8])
    func write(_ columns: [String], _ row: [CellValue], into bytes: inout [UInt8])
}

extension CellValue {
    /// As a cell of a CSV file, or a number or word of a JSON document.
    fileprivate var plain: String {
        switch self {
        case .null: ""
        case .text(let text): text
        case .integer(let number): String(number)
        case .number(let number): "\(number)"
        case .boolean(let flag): flag ? "true" : "false"
        case .seconds(let milliseconds): Self.seconds(milliseconds)
        }
    }

    private static func seconds(_ milliseconds: Int64) -> String {
        guard milliseconds % 1_000 != 0 else { return String(milliseconds / 1_000) }
        let rest = String(milliseconds % 1_000)
        return "\(milliseconds / 1_000)."
            + String(repeating: "0", count: max(0, 3 - rest.count)) + rest
    }
}

/// CSV as `CSVRows` reads it.
package struct CSVWriter: RowSink {
    private let escape: CSVRows.Escape

    package init(escape: CSVRows.Escape = .doubled) {
        self.escape = escape
    }

    package func start(_ columns: [String], into bytes: inout [UInt8]) {
        write(columns, columns.map { .text($0) }, into: &bytes)
    }

    package func write(_ columns: [String], _ row: [CellValue], into bytes: inout [UInt8]) {
        for (index, value) in row.enumerated() {
            if index > 0 { bytes.append(0x2C) }
            if case .text(let text) = value {
                write(text, into: &bytes)
            } else {
                bytes += value.plain.utf8
            }
        }
        bytes.append(0x0A)
    }

    private func write(_ text: String, into bytes: inout [UInt8]) {
        // An empty text is quoted: nothing at all is null.
        let isQuoted =
            text.isEmpty
            || text.utf8.contains { byte in
                byte == 0x22 || byte == 0x2C || byte == 0x0A || byte == 0x0D
            }
        guard isQuoted else {
            bytes += text.utf8
            return
        }
        bytes.append(0x22)
        for byte in text.utf8 {
            switch (byte, escape) {
            case (0x22, .doubled): bytes.append(0x22)
            case (0x22, .backslash), (0x5C, .backslash): bytes.append(0x5C)
            default: break
            }
            bytes.append(byte)
        }
        bytes.append(0x22)
    }
}

/// One JSON object a line; nulls are left out.
package struct JSONLinesWriter: RowSink {
    package init() {}

    package func start(_ columns: [String], into bytes: inout [UInt8]) {}

    package func write(_ columns: [String], _ row: [CellValue], into bytes: inout [UInt8]) {
        bytes.append(0x7B)
        var isFirst = true
        for (column, value) in zip(columns, row) where value != .null {
            if !isFirst { bytes.append(0x2C) }
            isFirst = false
            write(column, into: &bytes)
            bytes.append(0x3A)
            if case .text(let text) = value {
                write(text, into: &bytes)
            } else {
                bytes += value.plain.utf8
            }
        }
        bytes += "}\n".utf8
    }

    private func write(_ text: String, into bytes: inout [UInt8]) {
        bytes.append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22, 0x5C: bytes += [0x5C, byte]
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                bytes += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        bytes.append(0x22)
    }
}
