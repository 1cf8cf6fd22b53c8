import Engine
package import Formats
import Primitives
package import Resources

/// Reads the text of cells as values.
enum CellText {
    static func checkID(
        _ cell: CellBlock.Cell,
        _ block: CellBlock,
        _ target: BulkReader.Target
    ) throws(CellProblem) {
        if cell.count == 0 { throw CellProblem(target: target, reason: "is required") }
        if cell.count <= UInt32(Limits.identifierCharactersMax) { return }
        try check(block.string(cell), Limits.identifierCharactersMax, target)
    }

    static func check(
        _ text: String,
        _ bound: Int,
        _ target: BulkReader.Target
    ) throws(CellProblem) {
        if text.utf8.count <= bound { return }
        let count = text.unicodeScalars.count
        if count <= bound { return }
        throw CellProblem(
            target: target,
            reason: "has \(count) characters; at most \(bound) are allowed"
        )
    }

    // MARK: Times

    /// Epoch seconds, with at most three digits behind a point.
    static func time(
        _ cell: CellBlock.Cell,
        _ block: CellBlock,
        _ target: BulkReader.Target,
        latest: Int64 = .max,
        _ limits: RecordLimits = RecordLimits()
    ) throws(CellProblem) -> Timestamp {
        guard let milliseconds = milliseconds(block.text[cell.range]) else {
            throw CellProblem(
                target: target,
                reason: "is '\(block.string(cell).prefix(60))'; epoch seconds are needed, such as "
                    + "1700000000"
            )
        }
        guard milliseconds < yearsEndMS, milliseconds <= latest else {
            let shown = block.string(cell)
            throw CellProblem(target: target, reason: tooLate(milliseconds, shown, limits))
        }
        return Timestamp(milliseconds: milliseconds)
    }

    /// Where the year 9999 ends.
    private static let yearsEndMS: Int64 = 253_402_300_800_000

    private static func tooLate(
        _ milliseconds: Int64,
        _ shown: String,
        _ limits: RecordLimits
    ) -> String {
        guard milliseconds >= yearsEndMS else {
            return "is \(shown) s, which is more than \(limits.clockSkewText) ahead of the "
                + "server's clock"
        }
        // From 1978 on.
        let isOfUnitMS = milliseconds / 1_000 < yearsEndMS
        let hint = isOfUnitMS ? "; it reads as milliseconds, and seconds are needed" : ""
        return "is \(shown) s, outside of 1970 to 9999\(hint)"
    }

    /// What a text says, cut above some 29,000 years.
    private static func milliseconds(_ text: ArraySlice<UInt8>) -> Int64? {
        guard !text.isEmpty, text.count <= 20 else { return nil }
        // Another digit and three zeros fit behind it.
        let most = Int64.max / 100_000
        var value: Int64 = 0
        var digitsBehindPoint = -1
        for byte in text {
            if byte == UInt8(ascii: "."), digitsBehindPoint < 0, text.first != byte {
                digitsBehindPoint = 0
                continue
            }
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            if digitsBehindPoint >= 0 {
                digitsBehindPoint += 1
                // Zeros that say nothing more.
                if digitsBehindPoint > 3 {
                    if byte != 0x30 { return nil }
                    continue
                }
            }
            value = min(value, most) * 10 + Int64(byte - 0x30)
        }
        for _ in max(0, min(digitsBehindPoint, 3))..<3 { value *= 10 }
        return value
    }

    // MARK: Numbers

    static func number(
        _ cell: CellBlock.Cell,
        _ block: CellBlock,
        _ target: BulkReader.Target
    ) throws(CellProblem) -> Double {
        let text = block.text[cell.range]
        if let value = plainNumber(text) { return value }
        guard let value = Double(block.string(cell)), value.isFinite else {
            throw CellProblem(
                target: target,
                reason: "is '\(block.string(cell).prefix(60))'; a number is needed"
            )
        }
        return value
    }

    private static let powers: [Double] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]

    /// Short numbers without an exponent: both parts of the quotient are exact, so it is rounded
    /// once, as every reader does.
    private static func plainNumber(_ text: ArraySlice<UInt8>) -> Double? {
        guard !text.isEmpty, text.count <= 16 else { return nil }
        var value: Int64 = 0
        var behindPoint = -1
        var digits = 0
        for byte in text {
            if byte == UInt8(ascii: "."), behindPoint < 0 {
                behindPoint = 0
                continue
            }
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            value = value * 10 + Int64(byte - 0x30)
            digits += 1
            if behindPoint >= 0 { behindPoint += 1 }
        }
        guard digits > 0, digits <= 15, behindPoint < powers.count else { return nil }
        return Double(value) / powers[max(0, behindPoint)]
    }

    /// A value of a column; `nil` when the text is none.
    static func value(_ text: String, _ field: SchemaField) -> PropertyValue? {
        switch field.type {
        case .string:
            if field.isTextual {
                return .string(
                    text.utf8.count <= Limits.textualCharactersMax
                        ? text
                        : String(
                            String.UnicodeScalarView(
                                text.unicodeScalars.prefix(Limits.textualCharactersMax)
                            )
                        )
                )
            }
            let isShort =
                text.utf8.count <= Limits.valueCharactersMax
                || text.unicodeScalars.count <= Limits.valueCharactersMax
            return isShort ? .string(text) : nil
        case .int: return Int32(text).map { .integer(Int64($0)) }
        case .long: return Int64(text).map { .integer($0) }
        case .float:
            return Double(text).flatMap { Float($0).isFinite ? .double($0) : nil }
        case .double: return Double(text).flatMap { $0.isFinite ? .double($0) : nil }
        case .boolean:
            switch text {
            case "true": return .boolean(true)
            case "false": return .boolean(false)
            default: return nil
            }
        }
    }

    /// The narrowest type that all of these texts have.
    static func type(of texts: [String]) -> FieldType {
        func all(_ type: FieldType) -> Bool {
            let field = SchemaField(name: "", type: type)
            return texts.allSatisfy { value($0, field) != nil }
        }
        if texts.isEmpty { return .string }
        return [.long, .double, .boolean].first(where: all) ?? .string
    }
}

extension BulkReader {
    /// The columns that an open schema grows for a file, typed by all values of some of its rows.
    package static func newColumns(
        _ unknown: [String],
        of columns: [String],
        in block: CellBlock
    ) throws(Refusal) -> [SchemaField] {
        var fields: [SchemaField] = []
        for name in unknown {
            guard SchemaField.isName(name), let place = columns.firstIndex(of: name) else {
                throw Refusal(
                    .invalidInput,
                    "the column '\(name.prefix(150))' can't be a schema's: 1 to 150 letters, "
                        + "digits and '_', no digit first"
                )
            }
            var texts: [String] = []
            for row in block.rows where place < Int(row.cellCount) {
                let cell = block.cells[Int(row.firstCell) + place]
                if !cell.isNull { texts.append(block.string(cell)) }
            }
            let type = CellText.type(of: texts)
            fields.append(
                SchemaField(
                    name: name.uppercased(),
                    type: type,
                    isNullable: true,
                    isCategorical: type == .string && texts.contains { $0.contains("|") }
                )
            )
        }
        return fields
    }
}
