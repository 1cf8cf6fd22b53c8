import Engine
import Primitives
import Recipes
import Resources
import Serving
import Testing

private let now = Timestamp(milliseconds: 1_700_000_000_000)

private let schema = Schema(
    header: ResourceHeader(name: "s", createdAt: now, updatedAt: now),
    kind: .interactions,
    fields: [
        SchemaField(name: "USER_ID", type: .string),
        SchemaField(name: "ITEM_ID", type: .string),
        SchemaField(name: "TIMESTAMP", type: .long),
        SchemaField(name: "DEVICE", type: .string, isCategorical: true),
        SchemaField(name: "HOUR", type: .int),
        SchemaField(name: "IS_MEMBER", type: .boolean),
        SchemaField(name: "REVIEW", type: .string, isTextual: true),
        SchemaField(name: "SPEED", type: .double),
    ],
    document: ""
)

/// What own columns of interactions say, of events and of questions.
@Suite
struct `A reader of contexts` {
    private let row: [PropertyValue] = [
        .string("phone"), .integer(7), .boolean(true), .string("good"), .double(1.5),
    ]

    @Test
    func `reads the same of an event and of a question`() {
        let reader = ContextReader(schema, SolutionConfig())
        let event = reader.values(of: row)
        #expect(event.count == 3)
        let questions: [[String: String]] = [
            ["DEVICE": "phone", "HOUR": "7", "IS_MEMBER": "true"],
            ["device": "phone", "hour": "007", "isMember": "TRUE", "SPEED": "1.5"],
        ]
        for question in questions { #expect(reader.values(of: question) == event) }
        #expect(reader.values(of: ["DEVICE": "Phone"]) != reader.values(of: ["DEVICE": "phone"]))
        #expect(reader.values(of: ["REVIEW": "good", "SPEED": "1.5"]).isEmpty)
    }

    @Test
    func `says nothing of what an event leaves out`() {
        let reader = ContextReader(schema, SolutionConfig())
        #expect(reader.values(of: [] as [PropertyValue]).isEmpty)
        #expect(reader.values(of: [.null, .integer(7)]) == reader.values(of: ["HOUR": "7"]))
    }

    /// Equal texts of two columns are two values.
    @Test
    func `tells columns apart`() {
        let reader = ContextReader(schema, SolutionConfig())
        let values = reader.values(of: ["DEVICE": "7", "HOUR": "7"])
        #expect(Set(values.map(\.value)).count == 2)
        #expect(Set(values.map(\.column)).count == 2)
    }

    @Test
    func `goes by the columns that a solution chooses`() {
        var config = SolutionConfig()
        config.excludedColumns = [.interactions: ["device"]]
        #expect(ContextReader(schema, config).values(of: row).count == 2)
        config.excludedColumns = [:]
        config.includedColumns = [.interactions: ["DEVICE"]]
        let values = ContextReader(schema, config).values(of: row)
        #expect(values == ContextReader(schema, SolutionConfig()).values(of: ["DEVICE": "phone"]))
    }
}
