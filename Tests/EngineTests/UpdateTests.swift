import Engine
import Primitives
import Resources
import TestSupport
import Testing

@Suite
struct `An update` {
    private func batch(_ records: [RecordBatch.Record], isPartial: Bool = true) -> Mutation {
        var batch = RecordBatch(list: .records, count: records.count, isPartial: isPartial)
        batch.entries = records.enumerated().map { .init(index: $0, record: $1) }
        return .putRecords(group: shop, tracker: nil, batch)
    }

    private func item(_ id: String, _ color: String?, at time: Timestamp? = nil) -> EntityRecord {
        let values: [PropertyValue] = color.map { [.string($0)] } ?? []
        return EntityRecord(id: id, properties: RecordProperties(values: values), createdAt: time)
    }

    private func record(_ world: World, _ id: String) -> EntityRecord? {
        guard let group = world.engine.group(named: shop),
            let index = group.item(withID: Array(id.utf8).span.bytes)
        else { return nil }
        return group.currentRoot.record(of: index)
    }

    @Test
    func `changes what it names, removes with null, and grows an open schema`() throws {
        let world = try World()
        try world.run(batch([.item(item("a", "red", at: now))]))
        let grown = RecordProperties(added: [.init(name: "size", value: .integer(3))])
        try world.run(batch([.itemUpdate(EntityUpdate(id: "a", properties: grown, named: []))]))
        #expect(record(world, "a")?.properties.values == [.string("red"), .integer(3)])
        #expect(record(world, "a")?.createdAt == now)
        let removal = EntityUpdate(
            id: "a",
            properties: RecordProperties(),
            named: [1],
            createdAt: .some(nil)
        )
        try world.run(batch([.itemUpdate(removal)]))
        #expect(record(world, "a") == item("a", "red"))
    }

    @Test
    func `sees what its own call and its batch put before it`() throws {
        let world = try World()
        let blue = RecordProperties(values: [.string("blue")])
        let update = RecordBatch.Record.itemUpdate(
            EntityUpdate(id: "a", properties: blue, named: [0])
        )
        let outcomes = try world.runTogether([
            batch([update, .item(item("a", "red", at: now)), update]),
            batch([.itemUpdate(EntityUpdate(id: "a", properties: blue, named: []))]),
            .putItems(group: shop, [item("b", nil, at: now)]),
            batch([
                .itemUpdate(EntityUpdate(id: "b", properties: blue, named: [0])),
                .item(item("c", nil)),
            ]),
        ])
        #expect(outcomes.map { $0?.appliedCount } == [2, 1, 1, 2])
        #expect(outcomes[0]?.rejected.map(\.index) == [0])
        #expect(outcomes[0]?.rejected.first?.refusal.code == .resourceNotFound)
        #expect(record(world, "a") == item("a", "blue", at: now))
        #expect(record(world, "b") == item("b", "blue", at: now))
    }

    @Test
    func `refuses a call as a whole for a record that was not put`() throws {
        let world = try World()
        _ = try world.put("ann", "s", [event("a", 1)])
        let nobody = EntityUpdate(id: "ann", properties: RecordProperties(), named: [])
        do {
            try world.run(batch([.item(item("b", "red")), .userUpdate(nobody)], isPartial: false))
            Issue.record("taken")
        } catch {
            #expect(error.code == .resourceNotFound)
            #expect(error.violations.map(\.field) == ["records[1].user_update.user_id"])
        }
        #expect(record(world, "b") == nil)
    }
}

@Suite
struct `The moments of an item` {
    @Test(arguments: 0..<5)
    func `are the newest of all histories, whatever the page`(round: Int) throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let world = try World()
        for _ in 0..<400 {
            let user =
                Bool.random(using: &random) ? "u\(Int.random(in: 0..<90, using: &random))" : ""
            let one = event(
                "i\(Int.random(in: 0..<3, using: &random))",
                Int64.random(in: 0..<60, using: &random)
            )
            _ = try world.put(user, "s\(Int.random(in: 0..<90, using: &random))", [one])
        }
        let group = try #require(world.engine.group(named: shop))
        let found = group.item(withID: Array("i1".utf8).span.bytes)
        let item = try #require(found)
        var expected: Set<InteractionMoment> = []
        for owner in 0..<180 {
            for event in world.facts.events(group.index, owner: UserIndex(UInt32(owner)))
            where event.item == item {
                expected.insert(
                    InteractionMoment(
                        time: event.record.occurredAt,
                        owner: UserIndex(UInt32(owner))
                    )
                )
            }
        }
        let sorted = expected.sorted(by: >)
        for count in [1, 3, 50, 1_000] {
            for place in [nil, sorted[sorted.count / 2]] {
                let found = group.newestMoments(on: item, atOrBefore: place, count: count)
                let rest = sorted.filter { place == nil || $0 <= place! }
                #expect(found.moments == Array(rest.prefix(count)), "seed \(seed)")
                #expect(found.truncatedOwners.isEmpty)
            }
        }
    }
}
