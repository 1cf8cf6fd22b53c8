import Engine
import Primitives
import Resources
import TestSupport
import Testing

@Suite
struct `A batch of a producer` {
    private func batch(
        _ id: UInt64,
        _ items: [String],
        producer: String = "p",
        body: UInt64? = nil
    ) -> Mutation {
        var batch = RecordBatch(list: .records, count: items.count + 1, isPartial: true)
        batch.entries = items.enumerated().map { index, item in
            .init(index: index, record: .event(userID: "ann", sessionID: "", event(item, 1)))
        }
        batch.rejected = [
            RejectedRecord(
                index: items.count,
                refusal: .invalid("records[9].item.item_id", "is bad")
            )
        ]
        let hash = body ?? UInt64(items.joined().utf8.reduce(7) { $0 &* 31 &+ Int($1) })
        batch.producer = ProducerBatch(producerID: producer, batchID: id, bodyHash: hash)
        return .putRecords(group: shop, tracker: nil, batch)
    }

    @Test
    func `does nothing when it comes again, and gets the first answer`() throws {
        let world = try World()
        let first = try world.run(batch(1, ["a", "b"]))
        #expect(first.appliedCount == 2 && first.rejected.count == 1)
        _ = try world.run(batch(2, ["c"]))
        let again = try world.run(batch(1, ["a", "b"]))
        #expect(again.position == first.position && again.appliedCount == 2)
        #expect(again.rejected.map(\.index) == [2])
        #expect(again.rejected.map(\.refusal.message) == first.rejected.map(\.refusal.message))
        #expect(again.rejected[0].refusal.violations.map(\.field) == ["records[9].item.item_id"])
        #expect(world.history("ann") == ["a", "b", "c"])
    }

    @Test
    func `is refused with another body, and is another one of another producer`() throws {
        let world = try World()
        _ = try world.run(batch(1, ["a"]))
        do {
            try world.run(batch(1, ["b"]))
            Issue.record("taken")
        } catch {
            #expect(error.code == .resourceAlreadyExists)
            #expect(error.violations.map(\.field) == ["batch_id"])
        }
        #expect(try world.run(batch(1, ["b"], producer: "q")).appliedCount == 1)
        #expect(world.history("ann") == ["a", "b"])
    }

    @Test
    func `is known to others of its write batch`() throws {
        let world = try World()
        let outcomes = try world.runTogether([
            batch(1, ["a"]), batch(1, ["a"]), batch(1, ["b"]), batch(2, ["c"]), batch(2, ["c"]),
        ])
        #expect(outcomes.map { $0?.appliedCount } == [1, 1, nil, 1, 1])
        #expect(outcomes[0]?.position == outcomes[1]?.position)
        #expect(world.history("ann") == ["a", "c"])
    }

    @Test
    func `is refused once it is older than all that are remembered, live and restarted`() throws {
        let world = try World()
        let newest = UInt64(Limits.batchesRememberedMax) * 2
        let all = stride(from: 2, through: newest, by: 2).map { batch($0, ["i\($0)"]) }
        _ = try world.runTogether(all)
        // A number that was left out is not too old.
        #expect(try world.run(batch(newest - 1, ["late"])).appliedCount == 1)
        #expect(throws: Refusal.self) { try world.run(batch(1, ["first"])) }
        do {
            try world.run(batch(2, ["i2"]))
            Issue.record("taken")
        } catch {
            #expect(error.code == .resourceInUse)
            #expect(error.message.hasSuffix("which begin at 4"))
        }
        let restarted = DatasetEngine(hash: StableHash(key: (1, 2)))
        let rows = `The engine`.rows(world.log)
        _ = restarted.apply([Effects(position: LogPosition(1), effects: rows)])
        #expect(EngineDigest(world.engine) == EngineDigest(restarted))
        let lines = EngineDigest(world.engine).lines.count { $0.hasPrefix("batch ") }
        #expect(lines == Limits.batchesRememberedMax)
    }

    @Test
    func `of the idlest producer is forgotten when there are too many`() throws {
        let world = try World()
        let all = (0...Limits.producersPerGroupMax).map { batch(1, ["i\($0)"], producer: "p\($0)") }
        _ = try world.runTogether(Array(all.dropLast()))
        _ = try world.run(batch(2, ["x"], producer: "p0"))
        _ = try world.run(all[Limits.producersPerGroupMax])
        let lines = EngineDigest(world.engine).lines.count { $0.hasPrefix("batch ") }
        #expect(lines == Limits.producersPerGroupMax + 1)
        #expect(try world.run(batch(2, ["x"], producer: "p0")).appliedCount == 1)
        #expect(world.history("ann").count(where: { $0 == "x" }) == 1)
        // Forgotten: taken for a new one.
        #expect(try world.run(batch(1, ["y"], producer: "p1")).appliedCount == 1)
    }
}
