import Engine
import Primitives
import Resources
import Serving
import Testing

private let now = Timestamp(milliseconds: 1_700_000_000_000)

private let index = SchemaIndex(
    Schema(
        header: ResourceHeader(name: "s", createdAt: now, updatedAt: now),
        kind: .interactions,
        fields: [
            SchemaField(name: "USER_ID", type: .string),
            SchemaField(name: "ITEM_ID", type: .string),
            SchemaField(name: "TIMESTAMP", type: .long),
            SchemaField(name: "DEVICE", type: .string, isNullable: true, isCategorical: true),
            SchemaField(name: "NUM_CLICKS", type: .int, isNullable: true),
        ],
        document: "{}"
    )
)

private let items = SchemaIndex(
    Schema(
        header: ResourceHeader(name: "i", createdAt: now, updatedAt: now),
        kind: .items,
        fields: [
            SchemaField(name: "ITEM_ID", type: .string), SchemaField(name: "PRICE", type: .float),
            SchemaField(name: "IS_NEW", type: .boolean, isNullable: true),
            SchemaField(name: "CREATION_TIMESTAMP", type: .long, isNullable: true),
        ],
        document: "{}"
    )
)

private func input(_ change: (inout PutEventsInput, inout EventInput) -> Void) -> PutEventsInput {
    var call = PutEventsInput()
    call.sessionID = "s"
    var event = EventInput()
    event.eventType = "view"
    event.itemID = "i"
    event.sentAtSeconds = 1_600_000_000
    change(&call, &event)
    if call.events.isEmpty { call.events = [event] }
    return call
}

private func violations(_ call: PutEventsInput) -> [String] {
    do throws(Refusal) {
        _ = try Ingest().checkEvents(call, index, now: now)
        return []
    } catch {
        return error.violations.map { "\($0.field): \($0.description)" }
    }
}

/// What `PutEvents` refuses: the change that breaks a good call, and what is said of it.
@Suite
struct `PutEvents refuses` {
    private static let long = String(repeating: "x", count: 257)

    private func check(
        _ expected: String,
        _ change: (inout PutEventsInput, inout EventInput) -> Void,
        _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(violations(input(change)) == [expected], sourceLocation: location)
    }

    @Test
    func `identifiers that are missing or too long`() {
        let over = "has 257 characters; at most 256 are allowed"
        check("session_id: is required; 1 to 256 characters") { call, _ in call.sessionID = "" }
        check("user_id: \(over)") { call, _ in call.userID = Self.long }
        check("event_list[0].event_type: is required; 1 to 256 characters") { _, event in
            event.eventType = ""
        }
        check("event_list[0].event_id: \(over)") { _, event in event.eventID = Self.long }
        check("event_list[0].item_id: \(over)") { _, event in event.itemID = Self.long }
        check("event_list[0].recommendation_id: has 41 characters; at most 40 are allowed") {
            $1.recommendationID = String(repeating: "r", count: 41)
        }
    }

    @Test
    func `an empty list and one record too many`() {
        var call = input { _, _ in }
        let event = call.events[0]
        call.events = []
        #expect(violations(call) == ["event_list: is empty; at least 1 record is needed"])
        call.events = Array(repeating: event, count: 10_001)
        #expect(
            violations(call) == ["event_list: has 10001 records; at most 10000 are allowed"]
        )
    }

    @Test
    func `times that can't be`() {
        check("event_list[0].sent_at: is required") { $1.sentAtSeconds = nil }
        check("event_list[0].sent_at: is -1 s, outside of 1970 to 9999") { $1.sentAtSeconds = -1 }
        check(
            "event_list[0].sent_at: is 1700000000000 s, outside of 1970 to 9999; it reads as "
                + "milliseconds, and seconds are needed"
        ) { $1.sentAtSeconds = 1_700_000_000_000 }
        check(
            "event_list[0].sent_at: is 301 s ahead of the server's clock; at most 300 s are allowed"
        ) { $1.sentAtSeconds = 1_700_000_301 }
    }

    @Test
    func `properties that do not fit the schema`() {
        let path = "event_list[0].properties"
        check("\(path): is JSON, but not an object of names and values") { $1.properties = "[1]" }
        check("\(path).color: is not in the schema, which has DEVICE, NUM_CLICKS") {
            $1.properties = #"{"color":"red"}"#
        }
        check("\(path).numClicks: is \"many\"; NUM_CLICKS is of type int") {
            $1.properties = #"{"numClicks":"many"}"#
        }
        check("\(path).num_clicks: is a whole number; NUM_CLICKS is of type int") {
            $1.properties = #"{"num_clicks":3000000000}"#
        }
        check("\(path).DEVICE: stands here twice") {
            $1.properties = #"{"device":"a","DEVICE":"b"}"#
        }
        check("\(path): has 1025 characters; at most 1024 are allowed") {
            let filler = String(repeating: " ", count: 1_025 - 14)
            $1.properties = #"{"device":"a"}"# + filler
        }
        check("\(path).device: has 1001 characters; at most 1000 are allowed") {
            $1.properties = #"{"device":"\#(String(repeating: "d", count: 1_001))"}"#
        }
    }

    @Test(arguments: [
        "userId", "session_id", "EVENT_TYPE", "timestamp", "recommendationId", "impression",
    ])
    func `a key that has a field of its own`(key: String) {
        let expected =
            "event_list[0].properties.\(key): is not allowed in properties; it has a field of "
            + "its own"
        check(expected) { $1.properties = #"{"\#(key)":"x"}"# }
    }

    @Test
    func `impressions, sources and sizes over the bounds`() {
        check("event_list[0].impression: has 26 items; at most 25 are allowed") {
            $1.impression = Array(repeating: "i", count: 26)
        }
        check("event_list[0].impression[1]: is required; 1 to 256 characters") {
            $1.impression = ["a", ""]
        }
        let source =
            "event_list[0].metric_attribution.event_attribution_source: is not 1 to 1,024 "
            + "printable ASCII characters with one that is no space"
        for bad in ["", "  ", "ä", String(repeating: "s", count: 1_025)] {
            check(source) { $1.attributionSource = bad }
        }
        check("event_list[0].event_value: is inf; a finite number is needed") {
            $1.eventValue = .infinity
        }
    }

    @Test
    func `everything that is wrong, at once`() {
        let found = violations(
            input { call, event in
                call.sessionID = ""
                event.eventType = ""
                event.sentAtSeconds = nil
            }
        )
        #expect(
            found.map { $0.prefix { $0 != ":" } } == [
                "session_id", "event_list[0].event_type", "event_list[0].sent_at",
            ]
        )
    }

    @Test
    func `random bytes as properties, and lives`() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let alphabet = Array(#"{}[]":,0123456789.eE+-truefalsn device\u00 "#)
        for _ in 0..<2_000 {
            let text = String(
                (0..<Int.random(in: 0..<60, using: &random)).map { _ in
                    alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
                }
            )
            _ = violations(input { $1.properties = text })
        }
    }
}

@Suite
struct `PutEvents takes` {
    private func record(
        _ change: (inout PutEventsInput, inout EventInput) -> Void
    ) throws
        -> EventRecord
    {
        try Ingest().checkEvents(input(change), index, now: now).events[0]
    }

    @Test
    func `names in any spelling and numbers as strings`() throws {
        let event = try record { $1.properties = #"{"Device":"a|b","numClicks":"12"}"# }
        #expect(event.properties.values == [.string("a|b"), .integer(12)])
    }

    @Test
    func `the item and the value inside the properties, and lets the fields win`() throws {
        let inner = try record {
            $1.itemID = ""
            $1.properties = #"{"itemId":"inner","eventValue":"2.5"}"#
        }
        #expect(inner.itemID == "inner" && inner.eventValue == 2.5)
        let both = try record {
            $1.eventValue = 1
            $1.properties = #"{"itemId":"inner","eventValue":2}"#
        }
        #expect(both.itemID == "i" && both.eventValue == 1)
    }

    @Test
    func `times to the millisecond`() throws {
        let event = try record { $1.sentAtNanos = 7_999_999 }
        #expect(event.occurredAt == Timestamp(milliseconds: 1_600_000_000_007))
    }
}

@Suite
struct `PutItems` {
    private func check(_ properties: String, _ expected: [String]) {
        do throws(Refusal) {
            _ = try Ingest().checkEntities([EntityInput(id: "a", properties: properties)], items)
            #expect(expected.isEmpty)
        } catch {
            #expect(error.violations.map { "\($0.field): \($0.description)" } == expected)
        }
    }

    @Test
    func `holds the record to its schema`() throws {
        check("", ["items[0].properties.PRICE: is required by the schema and missing"])
        check(
            #"{"price":null}"#,
            ["items[0].properties.PRICE: is required by the schema and missing"]
        )
        check(
            #"{"price":1e999}"#.replacing("1e999", with: "\"x\""),
            [
                "items[0].properties.price: is \"x\"; PRICE is of type float",
                "items[0].properties.PRICE: is required by the schema and missing",
            ]
        )
        check(#"{"price":"9.5","isNew":true,"creationTimestamp":1600000000}"#, [])
        check(
            #"{"price":1,"is_new":"yes"}"#,
            [
                "items[0].properties.is_new: is \"yes\"; IS_NEW is of type boolean"
            ]
        )
        let made = try Ingest().checkEntities(
            [EntityInput(id: "a", properties: #"{"price":1,"creation_timestamp":"5"}"#)],
            items
        )
        #expect(made[0].createdAt == Timestamp(milliseconds: 5_000))
    }
}

@Suite
struct `An update of an item` {
    private func check(_ properties: String) throws(Refusal) -> EntityUpdate? {
        let batch = try Ingest().checkRecords(
            [.itemUpdate(EntityInput(id: "a", properties: properties))],
            in: .item,
            isPartial: false,
            now: now
        ) { _ in items }
        guard case .itemUpdate(let update) = batch.entries.first?.record else { return nil }
        return update
    }

    @Test
    func `names its columns and leaves the others alone`() throws {
        let update = try #require(try check(#"{"isNew": null}"#))
        #expect(update.named == [1])
        #expect(update.properties.values.isEmpty)
        #expect(try #require(try check(#"{"price": "2"}"#)).properties.values == [.double(2)])
        #expect(try check("")?.named == [])
    }

    @Test
    func `sets, removes or keeps its creation time`() throws {
        #expect(
            try check(#"{"creationTimestamp": 5}"#)?.createdAt == Timestamp(milliseconds: 5_000)
        )
        let removal: Timestamp?? = .some(nil)
        #expect(try #require(try check(#"{"creationTimestamp": null}"#)).createdAt == removal)
        let nothing: Timestamp?? = nil
        #expect(try #require(try check("{}")).createdAt == nothing)
    }

    @Test
    func `can't remove what the schema requires`() {
        do {
            _ = try check(#"{"price": null}"#)
            Issue.record("taken")
        } catch {
            #expect(
                error.message
                    == "item.properties.PRICE: is required by the schema and can't be removed"
            )
        }
    }
}

@Suite
struct `The JSON text of a record` {
    @Test
    func `says what was put, in the keys of a call`() throws {
        let text = PropertyText(items.schema)
        let record = EntityRecord(
            id: "a",
            properties: RecordProperties(values: [.double(0.1), .boolean(false)]),
            createdAt: Timestamp(milliseconds: 7_000)
        )
        #expect(text.text(record) == #"{"price":0.1,"isNew":false,"creationTimestamp":7}"#)
        #expect(text.text(EntityRecord(id: "a", properties: RecordProperties())).isEmpty)
        #expect(PropertyText.key("CATEGORY_L1") == "categoryL1")
    }

    @Test(arguments: ["plain", "q\"\\\n\r\t\u{1}", "é世🦜", "\u{7F}\u{2028}"])
    func `is read back as the same text`(value: String) throws {
        let text = PropertyText(index.schema)
        let json = text.text(RecordProperties(values: [.string(value)]))
        var input = EventInput()
        input.eventType = "view"
        input.sentAtSeconds = 1_600_000_000
        input.properties = json
        let batch = try Ingest().checkRecords(
            [.interaction(userID: "u", sessionID: "", input)],
            in: .records,
            isPartial: false,
            now: now
        ) { _ in index }
        guard case .event(_, _, let event) = batch.entries.first?.record else {
            Issue.record("no event")
            return
        }
        #expect(event.properties.values == [.string(value)])
    }
}
