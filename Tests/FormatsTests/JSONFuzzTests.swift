import Formats
import Primitives
import TestSupport
import Testing

/// JSON texts that mean something, nearly mean something, or nothing.
private struct JSONGenerator {
    var random: SeededGenerator

    mutating func any(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    mutating func pick(_ texts: [String]) -> String { texts[any(texts.count)] }

    mutating func value(_ depth: Int) -> String {
        switch any(depth > 4 ? 8 : 11) {
        case 0: return pick(["null", "true", "false", "nul", "True"])
        case 1: return pick(["0", "-0", "7", "-1.5", "01", "1.", ".5", "+1", "0x1", "1e5"])
        case 2:
            return pick([
                "9223372036854775807", "9223372036854775808", "-9223372036854775808",
                "18446744073709551615", "18446744073709551616", "1e308", "1e309", "5e-324",
                "1e-400",
                String(repeating: "9", count: 1 + any(400)), "NaN", "Infinity",
            ])
        case 3, 4, 5, 6, 7: return text()
        case 8: return "[" + (0..<any(4)).map { _ in value(depth + 1) }.joined(separator: ",") + "]"
        case 9: return object(depth + 1)
        default: return String(repeating: pick(["[", "{\"a\":"]), count: any(2_000))
        }
    }

    mutating func text() -> String {
        let parts = [
            "a", "é", "🜁", "|", "\\n", "\\\"", "\\\\", "\\u0041", "\\u0000", "\\ud83e\\udd9c",
            "\\ud800", "\\udc00", "\\x", "\u{1}", "\u{0}", "\"", "\\",
        ]
        let count = any(6)
        // What ends or spoils the text comes seldom.
        return "\"" + (0..<count).map { _ in parts[any(any(8) == 0 ? parts.count : 8)] }.joined()
            + "\""
    }

    mutating func object(_ depth: Int) -> String {
        let members = (0..<any(5)).map { _ in
            "\(pick(["\"A\"", "\"B\"", "\"C\"", "\"a\"", text()]))"
                + "\(pick([":", ":", ":", " : ", ""]))\(value(depth))"
        }
        return "{" + members.joined(separator: ",") + pick(["}", "}", "}", "}", ",}", ""])
    }

    mutating func line() -> String {
        pick(["", "", "", " ", "\u{FEFF}"]) + (any(8) == 0 ? value(0) : object(0))
            + pick(["", "", "", "\r", " ", "x"])
    }

    /// The same with some bytes changed, in one of three.
    mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        guard any(3) == 0, !bytes.isEmpty else { return bytes }
        for _ in 0..<1 + any(3) {
            let place = any(bytes.count)
            switch any(3) {
            case 0: bytes[place] = UInt8(any(256))
            case 1: bytes.insert([0, 0xFF, 0xC3, 0xED, 0x22, 0x5C, 0x7B][any(7)], at: place)
            default: bytes.remove(at: place)
            }
            if bytes.isEmpty { break }
        }
        return bytes
    }
}

@Suite
struct `The reader of JSON` {
    /// What is read says the same when it is written down and read again.
    @Test
    func `takes or refuses any text, and lives`() {
        var generator = JSONGenerator(random: .printed(for: "reader of JSON"))
        let reader = JSONReader()
        var taken = 0
        for _ in 0..<5_000 {
            let bytes = generator.damaged(Array(generator.value(0).utf8))
            let text = String(decoding: bytes, as: UTF8.self)
            do throws(JSONError) {
                let value = try reader.parse(text)
                taken += 1
                guard let written = write(value) else { continue }
                #expect(try reader.parse(written) == value, "\(text.debugDescription)")
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
        #expect(taken > 500)
    }

    /// `nil` for what JSON has no text of its own for.
    private func write(_ value: JSONValue) -> String? {
        switch value {
        case .null: return "null"
        case .boolean(let flag): return flag ? "true" : "false"
        case .integer(let number): return String(number)
        case .double(let number): return "\(number)"
        case .string(let text):
            var json = JSONText()
            json.add("", text)
            return String(json.finished.dropFirst(4).dropLast())
        case .array(let values):
            let parts = values.compactMap(write)
            return parts.count == values.count ? "[\(parts.joined(separator: ","))]" : nil
        case .object(let members):
            let parts = members.compactMap { member -> String? in
                guard let key = write(.string(member.key)), let value = write(member.value) else {
                    return nil
                }
                return "\(key):\(value)"
            }
            return parts.count == members.count ? "{\(parts.joined(separator: ","))}" : nil
        }
    }

    @Test
    func `makes of each line of a file a row, or says what is wrong with it`() {
        var generator = JSONGenerator(random: .printed(for: "reader of JSON Lines"))
        var taken = 0
        for _ in 0..<400 {
            let lines = (0..<1 + generator.any(12)).map { _ in
                generator.damaged(Array(generator.line().utf8))
            }
            let bytes = Array(lines.joined(separator: [0x0A]))
            let whole = read(bytes, pieces: { _ in bytes.count })
            let inPieces = read(bytes, pieces: { min($0, 1 + generator.any(9)) })
            #expect(whole == inPieces, "\(bytes)")
            // No line twice.
            #expect(Set(whole.numbers).count == whole.numbers.count, "\(bytes)")
            #expect(whole.numbers.allSatisfy { $0 >= 1 && $0 <= bytes.count { $0 == 0x0A } + 1 })
            #expect(whole.refused.allSatisfy { !$0.isEmpty })
            taken += whole.rows.count
        }
        #expect(taken > 100)
    }

    private struct Outcome: Equatable {
        var columns: [String] = []
        var rows: [[String?]] = []
        var refused: [String] = []
        /// The lines that rows and refusals are about, in order.
        var numbers: [Int] = []
    }

    private func read(_ bytes: [UInt8], pieces: (Int) -> Int) -> Outcome {
        let reader = JSONLines()
        var outcome = Outcome()
        func take(isEnd: Bool) {
            while true {
                let block = reader.next(rowsMax: 5, isEnd: isEnd)
                for row in block.rows {
                    let cells = block.cells(of: row).map { $0.isNull ? nil : block.string($0) }
                    outcome.rows.append(cells)
                }
                outcome.refused += block.refused.map { "\($0.line): \($0.reason)" }
                outcome.numbers += block.rows.map { Int($0.line) }
                outcome.numbers += block.refused.map { Int($0.line) }
                if block.rows.isEmpty && block.refused.isEmpty { break }
            }
        }
        var start = 0
        while start < bytes.count {
            let count = pieces(bytes.count - start)
            reader.add(Array(bytes[start..<start + count]))
            take(isEnd: false)
            start += count
        }
        take(isEnd: true)
        outcome.columns = reader.columns
        outcome.numbers.sort()
        return outcome
    }
}
