import Control
import Primitives
import Resources
import TestSupport
import Testing

/// Schema documents that keep the rules, break one of them, or are none.
private struct SchemaGenerator {
    var random: SeededGenerator

    mutating func any(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    mutating func pick(_ texts: [String]) -> String { texts[any(texts.count)] }

    /// Of two texts mostly the first.
    mutating func mostly(_ usual: String, _ others: [String]) -> String {
        any(12) == 0 ? pick(others) : usual
    }

    mutating func field() -> String {
        let name = mostly(
            pick(["A", "B_1", "PRICE", "GENRES", "EVENT_TYPE", "EVENT_VALUE", "IMPRESSION"]),
            [
                "", "1A", "a-b", "b1", "USER_ID", "item_id", "CREATION_TIMESTAMP", "É",
                String(repeating: "N", count: 149 + any(3)), "\\u0000", "\\n",
            ]
        )
        let scalar = pick(["string", "int", "long", "float", "double", "boolean"])
        let type = mostly(
            any(2) == 0 ? "\"\(scalar)\"" : "[\"null\", \"\(scalar)\"]",
            [
                "[]", "[\"null\"]", "[\"int\", \"long\"]", "[\"null\", \"null\"]", "null", "7",
                "\"bytes\"", "{\"type\": \"map\"}", "[[\"null\", \"int\"]]", "[\"int\", 7]",
            ]
        )
        let mark = mostly(
            "",
            [
                ", \"categorical\": true", ", \"textual\": true", ", \"itemName\": true",
                ", \"categorical\": 1", ", \"default\": 0", ", \"name\": \"TWICE\"",
                ", \"doc\": []",
            ]
        )
        return mostly(
            "{\"name\": \"\(name)\", \"type\": \(type)\(mark)}",
            ["[]", "null", "{}", "\"A\""]
        )
    }

    mutating func document() -> String {
        let kind = mostly(pick(["Interactions", "Items", "Users"]), ["items", "", "Actions"])
        let ids = [
            "Interactions": ["USER_ID", "ITEM_ID", "TIMESTAMP"], "Items": ["ITEM_ID"],
            "Users": ["USER_ID"],
        ]
        var fields = (ids[kind] ?? []).map { name in
            "{\"name\": \"\(name)\", \"type\": \"\(name == "TIMESTAMP" ? "long" : "string")\"}"
        }
        fields += (0..<(any(12) == 0 ? any(120) : any(6))).map { _ in field() }
        if any(8) == 0 { fields.shuffle(using: &random) }
        return "{\"type\": \(mostly("\"record\"", ["\"enum\"", "null", "[]"])), "
            + "\"name\": \"\(kind)\", \"namespace\": \"com.amazonaws.personalize.schema\", "
            + "\"fields\": \(mostly("[\(fields.joined(separator: ", "))]", ["{}", "null", "7"])), "
            + "\"version\": \"1.0\"\(mostly("", [", \"more\": 1", ", \"name\": \"Items\""]))}"
    }

    /// A document with some of its bytes changed, in one of four.
    mutating func text() -> String {
        var bytes = Array(document().utf8)
        guard any(4) == 0 else { return String(decoding: bytes, as: UTF8.self) }
        for _ in 0..<1 + any(3) {
            let place = any(bytes.count)
            switch any(3) {
            case 0: bytes[place] = UInt8(any(256))
            case 1: bytes.removeSubrange(place..<min(bytes.count, place + 1 + any(20)))
            default: bytes.insert(contentsOf: bytes.prefix(any(40)), at: place)
            }
            if bytes.isEmpty { break }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

@Suite
struct `Schema documents of every shape` {
    @Test
    func `are read by all the rules, or refused by the path of what breaks one`() throws {
        var generator = SchemaGenerator(random: .printed(for: "schema documents"))
        var taken = 0
        for _ in 0..<4_000 {
            let text = generator.text()
            do throws(Refusal) {
                check(try AvroSchemaParser.parse(text), text)
                taken += 1
            } catch {
                #expect(error.code == .invalidInput, "\(text)")
                #expect(!error.violations.isEmpty, "\(text)")
                for violation in error.violations {
                    let first = violation.field.prefix { $0 != "." }
                    #expect(first == "schema" && !violation.description.isEmpty, "\(text)")
                }
            }
        }
        #expect(taken > 200)
    }

    private func check(_ parsed: AvroSchemaParser.Parsed, _ text: String) {
        let names = parsed.fields.map(\.foldedName)
        #expect(Set(names).count == names.count, "\(text)")
        #expect(parsed.fields.allSatisfy { SchemaField.isName($0.name) }, "\(text)")
        let ids: [String] =
            switch parsed.kind {
            case .interactions: ["USER_ID", "ITEM_ID", "TIMESTAMP"]
            case .items: ["ITEM_ID"]
            case .users: ["USER_ID"]
            }
        for id in ids {
            let field = parsed.fields.first { $0.name == id }
            #expect(field?.type == (id == "TIMESTAMP" ? .long : .string), "\(text)")
            #expect(field?.isNullable == false, "\(text)")
        }
        let own = parsed.fields.filter { !Schema.isReserved($0.foldedName, parsed.kind) }
        let most = [DatasetKind.interactions: 5, .items: 100, .users: 25]
        #expect(own.count <= most[parsed.kind] ?? 0, "\(text)")
        for field in own where field.isCategorical || field.isTextual || field.isItemName {
            #expect(field.type == .string, "\(text)")
        }
        #expect(own.count(where: \.isTextual) <= (parsed.kind == .items ? 1 : 0), "\(text)")
    }
}
