import Engine
import Primitives
import Resources
import TestSupport
import Testing

@Suite
struct `The limits of a group` {
    private func events(_ user: String, _ items: String...) -> Mutation {
        let events = items.enumerated().map { event($1, Int64($0)) }
        return .putEvents(
            group: shop,
            tracker: nil,
            EventBatch(userID: user, sessionID: "s-" + user, events: events)
        )
    }

    private func item(_ id: String, _ color: String = "") -> Mutation {
        let values = [PropertyValue.string(color)]
        return .putItems(
            group: shop,
            [EntityRecord(id: id, properties: RecordProperties(values: values))]
        )
    }

    @Test
    func `count what waits in the batch, and nothing of what was refused`() throws {
        let world = try World(groupQuotas: GroupQuotas(recordsMax: 2, interactionsMax: 3))
        let outcomes = try world.runTogether([
            events("ann", "a", "b"), events("bob", "a", "b"), events("ann", "a", "b"),
            item("a"), events("cid", "c"), item("b"), item("c"), item("a"), events("dan", "d"),
        ])
        #expect(outcomes.map { $0?.appliedCount } == [2, nil, 0, 1, 1, 1, nil, 1, nil])
        #expect(world.history("bob").isEmpty)
        #expect(world.history("cid") == ["c"])
    }

    @Test
    func `name the group, the limit and what there would be`() throws {
        let world = try World(groupQuotas: GroupQuotas(bytesMax: 40))
        try world.run(item("a", "1234567"))
        for (id, color, count) in [("a", "12345678", 41), ("b", "", 73)] {
            do {
                try world.run(item(id, color))
                Issue.record("taken")
            } catch {
                #expect(error.code == .limitExceeded)
                #expect(error.resource == "datasetGroups/shop")
                #expect(
                    error.message
                        == "'datasetGroups/shop' would have \(count) bytes; at most 40 are "
                        + "allowed (--group-bytes-max)"
                )
            }
        }
        try world.run(item("a", "123456"))
        #expect(EngineDigest(world.engine).lines.contains { $0.contains("bytes: 39") })
    }

    @Test
    func `take a merge and a join, which add nothing`() throws {
        let world = try World(groupQuotas: GroupQuotas(interactionsMax: 3))
        _ = try world.put("", "s", [event("a", 1)])
        _ = try world.put("ann", "s", [event("b", 2)])
        _ = try world.put("bob", "", [event("c", 3)])
        try world.run(.mergeUsers(group: shop, merged: "bob", kept: "ann"))
        #expect(world.history("ann") == ["a", "b", "c"])
        #expect(throws: Refusal.self) { try world.put("ann", "", [event("d", 4)]) }
        try world.run(.delete(group: shop, .owners(.user, ["ann"], isPartial: false)))
        _ = try world.put("cid", "", [event("d", 4), event("e", 5), event("f", 6)])
    }
}
