import Engine
import Formats
import Primitives
import Resources
import Serving
import TestSupport
import Testing

private let now = Timestamp(milliseconds: 1_700_000_000_000)

/// One column of each type, for each kind of record.
private func index(_ kind: DatasetKind) -> SchemaIndex {
    let ids =
        switch kind {
        case .interactions: ["USER_ID", "ITEM_ID", "TIMESTAMP"]
        case .items: ["ITEM_ID"]
        case .users: ["USER_ID"]
        }
    var fields = ids.map { SchemaField(name: $0, type: $0 == "TIMESTAMP" ? .long : .string) }
    if kind == .items {
        fields += [
            SchemaField(name: "CREATION_TIMESTAMP", type: .long, isNullable: true),
            SchemaField(name: "LONG_TEXT", type: .string, isNullable: true, isTextual: true),
        ]
    }
    fields += [
        SchemaField(name: "KINDS", type: .string, isNullable: true, isCategorical: true),
        SchemaField(name: "AN_INT", type: .int, isNullable: true),
        SchemaField(name: "A_LONG", type: .long, isNullable: true),
        SchemaField(name: "A_FLOAT", type: .float, isNullable: true),
        SchemaField(name: "A_DOUBLE", type: .double, isNullable: true),
        SchemaField(name: "A_FLAG", type: .boolean, isNullable: true),
    ]
    return SchemaIndex(
        Schema(
            header: ResourceHeader(name: "s", createdAt: now, updatedAt: now),
            kind: kind,
            fields: fields,
            document: "{}"
        )
    )
}

/// Values as people and programs write them, and as they should not.
private struct ValueGenerator {
    var random: SeededGenerator

    mutating func any(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    mutating func pick(_ texts: [String]) -> String { texts[any(texts.count)] }

    mutating func number() -> String {
        switch any(4) {
        case 0:
            return pick([
                "0", "-0", "1", "-1", "2147483647", "2147483648", "-2147483649", "1e5", "1e308",
                "1e309", "5e-324", "-1e39", "nan", "inf", "0x1p3", "1_000", "+1", "1.", ".5", ".",
                "9223372036854775807", "9223372036854775808", "18446744073709551616",
            ])
        case 1: return String(1_600_000_000 + any(50))
        default:
            let digits = (0..<1 + any(21)).map { _ in String(any(10)) }.joined()
            let point = any(3) == 0 ? "." + (0..<any(6)).map { _ in String(any(10)) }.joined() : ""
            return pick(["", "", "", "-", " "]) + digits + point
        }
    }

    mutating func text() -> String {
        switch any(8) {
        case 0: return pick(["", "|", "a||b", "\u{0}", "\u{202E}", "🦜", "null", "true", "false"])
        case 1: return String(repeating: pick(["x", "é", "🦜"]), count: pick2(255, 1_000) + any(3))
        case 2, 3: return number()
        default: return pick(["a", "b", "c|d", "i1", "u1"])
        }
    }

    private mutating func pick2(_ left: Int, _ right: Int) -> Int { any(2) == 0 ? left : right }
}

@Suite
struct `Values of every shape` {
    private static let columns: [DatasetKind: [String]] = [
        .interactions: [
            "USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE", "IMPRESSION",
            "RECOMMENDATION_ID", "EVENT_ATTRIBUTION_SOURCE", "KINDS", "AN_INT", "A_LONG", "A_FLOAT",
            "A_DOUBLE", "A_FLAG",
        ],
        .items: [
            "ITEM_ID", "CREATION_TIMESTAMP", "LONG_TEXT", "KINDS", "AN_INT", "A_LONG", "A_FLOAT",
            "A_DOUBLE", "A_FLAG",
        ],
        .users: ["USER_ID", "KINDS", "AN_INT", "A_LONG", "A_FLOAT", "A_DOUBLE", "A_FLAG"],
    ]

    @Test(arguments: [DatasetKind.interactions, .items, .users])
    func `in the cells of a file are taken or refused, row by row`(kind: DatasetKind) throws {
        var generator = ValueGenerator(random: .printed(for: "cells of \(kind)"))
        let columns = try #require(Self.columns[kind])
        var (taken, refused) = (0, 0)
        for _ in 0..<1_500 {
            var bytes: [UInt8] = []
            let writer = CSVWriter()
            writer.start(columns, into: &bytes)
            for _ in 0..<4 {
                let cells = columns.map { column -> CellValue in
                    let isHostile = generator.any(10) == 0
                    switch column {
                    case _ where isHostile: return .text(generator.text())
                    case "USER_ID", "ITEM_ID", "EVENT_TYPE": return .text("a")
                    case "TIMESTAMP": return .text("1600000000")
                    default: return generator.any(2) == 0 ? .null : .text(generator.number())
                    }
                }
                writer.write(columns, cells, into: &bytes)
            }
            let rows = CSVRows(escape: .doubled)
            rows.add(bytes)
            let block = rows.next(rowsMax: 10, isEnd: true)
            var reader = BulkReader(index(kind), eventType: "e", file: "f.csv", isRagged: false)
            try reader.take(columns: rows.columns)
            let count = block.rows.count + block.refused.count
            let checked = reader.check(block, now: now)
            #expect(checked.count + checked.rejected.count == count)
            #expect(checked.rejected.allSatisfy { $0.line > 1 && !$0.reason.isEmpty })
            taken += checked.count
            refused += checked.rejected.count
        }
        #expect(taken > 50 && refused > 50)
    }

    /// What is refused of a time, and what is said of it.
    @Test(arguments: [
        ("1700000301", "is 1700000301 s, which is more than 300 s ahead of the server's clock"),
        ("4000000000", "is 4000000000 s, which is more than 300 s ahead of the server's clock"),
        (
            "253402300800",
            "is 253402300800 s, outside of 1970 to 9999; it reads as milliseconds, and seconds "
                + "are needed"
        ),
        (
            "1700000000000",
            "is 1700000000000 s, outside of 1970 to 9999; it reads as milliseconds, and seconds "
                + "are needed"
        ),
        (
            "1700000000000.25",
            "is 1700000000000.25 s, outside of 1970 to 9999; it reads as milliseconds, and seconds "
                + "are needed"
        ),
        ("1700000000000000", "is 1700000000000000 s, outside of 1970 to 9999"),
        ("17000000000000000", "is 17000000000000000 s, outside of 1970 to 9999"),
        ("45035996273704959", "is 45035996273704959 s, outside of 1970 to 9999"),
        ("1700000000000000000", "is 1700000000000000000 s, outside of 1970 to 9999"),
        ("99999999999999999999", "is 99999999999999999999 s, outside of 1970 to 9999"),
        ("-1", "is '-1'; epoch seconds are needed, such as 1700000000"),
        ("1.2345", "is '1.2345'; epoch seconds are needed, such as 1700000000"),
    ])
    func `as times are refused for what they are`(text: String, reason: String) throws {
        let rows = CSVRows(escape: .doubled)
        rows.add(Array("USER_ID,ITEM_ID,TIMESTAMP\nu,i,\(text)\nu,i,1600000000.0120\n".utf8))
        var reader = BulkReader(
            index(.interactions),
            eventType: "e",
            file: "f.csv",
            isRagged: false
        )
        let block = rows.next(rowsMax: 10, isEnd: true)
        try reader.take(columns: rows.columns)
        let checked = reader.check(block, now: now)
        #expect(
            checked.rejected.map { "\($0.line) \($0.column) \($0.reason)" } == [
                "2 TIMESTAMP \(reason)"
            ]
        )
        guard case .events(let events) = checked.records else { return #expect(Bool(false)) }
        #expect(events.rows.map(\.milliseconds) == [1_600_000_000_012])
    }

    /// What is taken is told again by its JSON text, which is taken as the same.
    @Test(arguments: [DatasetKind.items, .users])
    func `as properties are taken or refused by name, and come back as they are kept`(
        kind: DatasetKind
    ) throws {
        var generator = ValueGenerator(random: .printed(for: "properties of \(kind)"))
        let index = index(kind)
        let ingest = Ingest()
        var (taken, refused) = (0, 0)
        for _ in 0..<6_000 {
            let properties = properties(&generator, kind)
            let input = EntityInput(id: "a", properties: properties)
            do throws(Refusal) {
                let record = try ingest.checkEntities([input], index)[0]
                taken += 1
                let again = EntityInput(
                    id: "a",
                    properties: PropertyText(index.schema).text(record)
                )
                #expect(try ingest.checkEntities([again], index) == [record], "\(properties)")
            } catch {
                refused += 1
                #expect(error.code == .invalidInput)
                let list = kind == .items ? "items" : "users"
                for violation in error.violations {
                    #expect(violation.field.hasPrefix("\(list)[0].properties"), "\(properties)")
                    #expect(!violation.description.isEmpty)
                }
                #expect(!error.violations.isEmpty, "\(properties)")
            }
        }
        #expect(taken > 300 && refused > 300)
    }

    private func properties(_ generator: inout ValueGenerator, _ kind: DatasetKind) -> String {
        var columns = Self.columns[kind] ?? []
        columns.removeAll { $0 == "ITEM_ID" || $0 == "USER_ID" }
        if generator.any(12) == 0 { columns += ["NOPE", "item_id", "A_flag", ""] }
        let members = columns.filter { _ in generator.any(3) == 0 }.map { column in
            let name = generator.any(4) == 0 ? column : PropertyText.key(column)
            var json = JSONText()
            json.add(name, generator.text())
            // As a text, as a number, or as something else.
            switch generator.any(8) {
            case 0, 1: return String(json.finished.dropFirst().dropLast())
            case 2: return "\"\(name)\":" + generator.pick(["null", "true", "[]", "{}", "[\"a\"]"])
            case 3: return "\"\(name)\":" + generator.number()
            default: return "\"\(name)\":" + value(&generator, column)
            }
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    /// One that fits the column.
    private func value(_ generator: inout ValueGenerator, _ column: String) -> String {
        switch column {
        case "A_FLAG": generator.pick(["true", "false", "\"true\""])
        case "AN_INT": generator.pick(["7", "\"-7\"", "7.0", "-2147483648"])
        case "A_LONG", "CREATION_TIMESTAMP": generator.pick(["1600000000", "\"7\"", "7e3"])
        case "A_FLOAT", "A_DOUBLE": generator.pick(["0.1", "\"2.5\"", "-3", "1e-30"])
        default: generator.pick(["\"a|b\"", "\"\\u00e9\"", "\"\""])
        }
    }
}
