import Engine
import Primitives
import Resources
import TestSupport
import Testing

@Suite
struct `A deletion` {
    private func item(_ id: String, _ color: String = "red") -> Mutation {
        .putItems(
            group: shop,
            [EntityRecord(id: id, properties: RecordProperties(values: [.string(color)]))]
        )
    }

    private func delete(_ deletion: Deletion) -> Mutation { .delete(group: shop, deletion) }

    private func candidates(_ world: World) -> Set<String> {
        guard let root = world.engine.group(named: shop)?.currentRoot else { return [] }
        return Set(
            (0..<root.itemCount).filter { root.candidates.contains($0) }
                .map { root.id(of: ItemIndex(UInt32($0))) }
        )
    }

    private func lines(_ world: World, _ needle: String) -> [String] {
        EngineDigest(world.engine).lines.filter { $0.contains(needle) }
    }

    @Test
    func `of a user takes the history, the sessions and what only that user touched`() throws {
        let world = try World()
        _ = try world.put("ann", "s1", [event("a", 1), event("b", 2, id: "e2")])
        _ = try world.put("bob", "s2", [event("b", 3)])
        try world.run(.putUsers(group: shop, [EntityRecord(id: "ann", properties: .init())]))
        world.changes = []
        let outcome = try world.run(delete(.owners(.user, ["ann"], isPartial: false)))
        #expect(outcome.appliedCount == 1)
        #expect(world.history("ann").isEmpty && world.history("bob") == ["b"])
        #expect(candidates(world) == ["b"])
        #expect(lines(world, "ann").isEmpty && lines(world, "session s1").isEmpty)
        let told = world.changes.compactMap { change -> Int? in
            if case .retracted(_, let change) = change { change.index } else { nil }
        }
        #expect(told == [1, 0])
        #expect(throws: Refusal.self) {
            try world.run(delete(.owners(.user, ["ann"], isPartial: false)))
        }
    }

    @Test
    func `of a user is not undone by what is sent again`() throws {
        let world = try World()
        let sent = [event("a", 1, id: "e1"), event("b", 2, id: "e2")]
        _ = try world.put("ann", "s1", sent)
        try world.run(delete(.owners(.user, ["ann"], isPartial: false)))
        let digest = EngineDigest(world.engine)
        let again = try world.put("ann", "s1", sent)
        #expect(again.appliedCount == 0 && again.duplicateCount == 2)
        #expect(again.eventIDs == ["e1", "e2"])
        var batch = RecordBatch(list: .records, count: 1, isPartial: true)
        batch.entries = [
            .init(index: 0, record: .event(userID: "ann", sessionID: "", sent[0]))
        ]
        let record = try world.run(.putRecords(group: shop, tracker: nil, batch))
        #expect(record.duplicateCount == 1)
        #expect(EngineDigest(world.engine) == digest)
        // Somebody of that name who does something new is a new user.
        _ = try world.put("ann", "s9", [event("c", 3), event("a", 1, id: "e1")])
        #expect(world.history("ann") == ["c"])
    }

    @Test
    func `of an item holds for events that come late, until it is put again`() throws {
        let world = try World()
        try world.run(item("a"))
        _ = try world.put("ann", "s", [event("x", 1), event("a", 2), event("y", 3)])
        try world.run(delete(.item("a")))
        #expect(world.history("ann") == ["x", "y"])
        #expect(candidates(world) == ["x", "y"])
        _ = try world.put("ann", "s", [event("a", 4)])
        #expect(world.history("ann") == ["x", "y", "a"])
        #expect(candidates(world) == ["x", "y"])
        try world.run(item("a", "blue"))
        #expect(candidates(world) == ["x", "y", "a"])
        #expect(world.history("ann") == ["x", "y", "a"])
        #expect(throws: Refusal.self) { try world.run(delete(.item("nothing"))) }
    }

    @Test
    func `of an event takes it once, and its id is used up`() throws {
        let world = try World()
        _ = try world.put("ann", "s", [event("a", 1), event("a", 1, id: "e1"), event("b", 2)])
        try world.run(delete(.event("e1")))
        #expect(world.history("ann") == ["a", "b"])
        #expect(throws: Refusal.self) { try world.run(delete(.event("e1"))) }
        let again = try world.put("ann", "s", [event("a", 1, id: "e1")])
        #expect(again.duplicateCount == 1)
        #expect(world.history("ann") == ["a", "b"])
    }

    @Test
    func `lets in again what a full history had no room for`() throws {
        let world = try World(historyLengthMax: 3)
        let all = ["a", "b", "c", "d", "e"].enumerated()
        _ = try world.put("ann", "s", all.map { event($1, Int64($0), id: "e-\($1)") })
        #expect(world.history("ann") == ["c", "d", "e"])
        try world.run(delete(.item("d")))
        #expect(world.history("ann") == ["b", "c", "e"])
        try world.run(delete(.event("e-e")))
        #expect(world.history("ann") == ["a", "b", "c"])
        try world.run(delete(.item("b")))
        #expect(world.history("ann") == ["a", "c"])
        #expect(lines(world, "[\"a").first?.contains("false") == true)
    }

    @Test
    func `drops from remembered answers what they quoted`() throws {
        let world = try World()
        _ = try world.put("ann", "s", [event("a", 1)])
        var batch = RecordBatch(list: .records, count: 1, isPartial: true)
        batch.rejected = [
            RejectedRecord(index: 0, refusal: .invalid("records[0].user.user_id", "is \"ann\""))
        ]
        batch.producer = ProducerBatch(producerID: "p", batchID: 1, bodyHash: 1)
        try world.run(.putRecords(group: shop, tracker: nil, batch))
        #expect(!lines(world, "ann").isEmpty)
        try world.run(delete(.owners(.user, ["ann"], isPartial: false)))
        #expect(lines(world, "ann").isEmpty)
        let again = try world.run(.putRecords(group: shop, tracker: nil, batch))
        #expect(again.rejected.map(\.index) == [0])
    }
}
