import Engine
import Primitives
import Resources
import TestSupport
import Testing

@Suite
struct `A record refused in a partial call` {
    private func batch(_ records: [RecordBatch.Record]) -> Mutation {
        var batch = RecordBatch(list: .records, count: records.count, isPartial: true)
        batch.entries = records.enumerated().map { .init(index: $0.offset, record: $0.element) }
        return .putRecords(group: shop, tracker: nil, batch)
    }

    /// Same id, another body: refused after its user, session, item and type were looked up.
    private func conflict(_ user: String, _ session: String, _ item: String) -> RecordBatch.Record {
        var record = event(item, 9, id: "taken")
        record.eventType = "type of \(item)"
        return .event(userID: user, sessionID: session, record)
    }

    @Test
    func `leaves no name, no type and no join behind`() throws {
        let (world, other) = (try World(), try World())
        for world in [world, other] {
            _ = try world.put("ann", "a", [event("x", 1, id: "taken")])
            _ = try world.put("", "anonymous", [event("y", 2)])
        }
        let outcome = try world.run(
            batch([
                .event(userID: "bob", sessionID: "b", event("x", 3)),
                conflict("eve", "anonymous", "new"),
                conflict("eve", "new session", "z"),
                .event(userID: "bob", sessionID: "anonymous", event("x", 4)),
            ])
        )
        #expect(outcome.rejected.map(\.index) == [1, 2])
        _ = try other.run(
            batch([
                .event(userID: "bob", sessionID: "b", event("x", 3)),
                .event(userID: "bob", sessionID: "anonymous", event("x", 4)),
            ])
        )
        #expect(world.history("bob") == ["y", "x", "x"])
        #expect(EngineDigest(world.engine) == EngineDigest(other.engine))
    }

    @Test
    func `takes back a join behind events of the same call`() throws {
        let world = try World()
        _ = try world.put("ann", "a", [event("x", 1, id: "taken")])
        _ = try world.run(
            batch([
                .event(userID: "", sessionID: "s", event("p", 1)),
                .event(userID: "bob", sessionID: "b", event("q", 2)),
                conflict("bob", "s", "z"),
                .event(userID: "", sessionID: "s", event("r", 3)),
            ])
        )
        #expect(world.history("bob") == ["q"])
        #expect(world.history("s", .session) == ["p", "r"])
        // The join is still the first.
        _ = try world.put("bob", "s", [event("t", 4)])
        #expect(world.history("bob") == ["p", "q", "r", "t"])
    }

    @Test
    func `grows no column of an open schema`() throws {
        let world = try World()
        func item(_ id: String, _ added: [(String, PropertyValue)]) -> RecordBatch.Record {
            let named = added.map { RecordProperties.NamedValue(name: $0.0, value: $0.1) }
            return .item(EntityRecord(id: id, properties: RecordProperties(added: named)))
        }
        func columns() -> [String] {
            world.engine.schema(of: shop, .items)?.ownColumns.map(\.name) ?? []
        }
        _ = try world.run(batch([item("a", [("size", .integer(1))])]))
        let before = columns()
        let outcome = try world.run(
            batch([
                item("b", [("weight", .integer(1)), ("size", .string("large"))]),
                item("c", [("height", .integer(2))]),
            ])
        )
        #expect(outcome.rejected.map(\.index) == [0])
        #expect(columns() == before + ["HEIGHT"])
        #expect(world.engine.group(named: shop)?.currentRoot.itemCount == 2)
    }
}
