import Engine
import Primitives
import Resources
import TestSupport
import Testing

@Suite
struct `The planner` {
    @Test
    func `counts an event that is equal in every field once`() throws {
        let world = try World()
        let first = try world.put("ann", "s", [event("a", 1), event("a", 1), event("a", 2)])
        #expect(first.appliedCount == 2 && first.duplicateCount == 1)
        #expect(first.eventIDs[0] == first.eventIDs[1])
        let second = try world.put("ann", "s", [event("a", 1), event("a", 1, value: 3)])
        #expect(second.appliedCount == 1 && second.duplicateCount == 1)
        #expect(second.eventIDs[0] == first.eventIDs[0])
        #expect(world.history("ann") == ["a", "a", "a"])
    }

    @Test
    func `takes an event id again with the same body only`() throws {
        let world = try World()
        _ = try world.put("ann", "s", [event("a", 1, id: "e1")])
        let again = try world.put("ann", "s", [event("a", 1, id: "e1")])
        #expect(again.duplicateCount == 1 && again.eventIDs == ["e1"])
        do {
            _ = try world.put("ann", "s", [event("b", 5), event("b", 2, id: "e1")])
            Issue.record("taken")
        } catch {
            #expect(error.code == .resourceAlreadyExists)
            #expect(error.violations.map(\.field) == ["event_list[1].event_id"])
        }
        #expect(world.history("ann") == ["a"])
    }

    @Test
    func `refuses an event id that another user's waiting event has`() throws {
        let world = try World()
        func put(_ user: String, _ item: String) -> Mutation {
            .putEvents(
                group: shop,
                tracker: nil,
                EventBatch(userID: user, sessionID: "s-" + user, events: [event(item, 1, id: "e")])
            )
        }
        let outcomes = try world.runTogether([
            put("ann", "a"), put("bob", "a"), put("ann", "b"), put("ann", "a"),
        ])
        #expect(outcomes.map { $0?.appliedCount } == [1, nil, nil, 0])
        #expect(world.history("ann") == ["a"])
        #expect(world.history("bob").isEmpty)
    }

    @Test(arguments: 0..<5)
    func `plans many mutations in one batch as it does one by one`(round: Int) throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let (together, alone) = (try World(), try World())
        for _ in 0..<20 {
            let mutations = (0..<30).map { _ in mutation(&random) }
            let outcomes = try together.runTogether(mutations)
            let expected = mutations.map { try? alone.run($0) }
            #expect(outcomes == expected, "seed \(seed)")
        }
        #expect(
            EngineDigest(together.engine) == EngineDigest(alone.engine),
            "seed \(seed)"
        )
    }

    @Test(arguments: 0..<5)
    func `takes records in one call as it takes them one by one`(round: Int) throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let (together, alone) = (try World(), try World())
        for _ in 0..<40 {
            var batch = RecordBatch(list: .records, count: 20, isPartial: true)
            for index in 0..<20 {
                batch.entries.append(.init(index: index, record: record(&random)))
            }
            let outcome = try together.run(.putRecords(group: shop, tracker: nil, batch))
            let single = try batch.entries.map { entry in
                var one = RecordBatch(list: .records, count: 1, isPartial: true)
                one.entries = [entry]
                return try alone.run(.putRecords(group: shop, tracker: nil, one))
            }
            #expect(outcome.appliedCount == single.reduce(0) { $0 + $1.appliedCount })
            #expect(outcome.duplicateCount == single.reduce(0) { $0 + $1.duplicateCount })
            #expect(outcome.rejected == single.flatMap(\.rejected), "seed \(seed)")
        }
        let (left, right) = (EngineDigest(together.engine), EngineDigest(alone.engine))
        #expect(
            left == right,
            "seed \(seed): \(Set(left.lines).symmetricDifference(right.lines).prefix(6))"
        )
    }

    private func record(_ random: inout SeededGenerator) -> RecordBatch.Record {
        switch mutation(&random) {
        case .putItems(_, let items):
            Bool.random(using: &random) ? .item(items[0]) : .itemUpdate(update(items[0]))
        case .putUsers(_, let users):
            Bool.random(using: &random) ? .user(users[0]) : .userUpdate(update(users[0]))
        case .putEvents(_, _, let events):
            .event(userID: events.userID, sessionID: events.sessionID, events.events[0])
        default: preconditionFailure("no such mutation")
        }
    }

    private func update(_ record: EntityRecord) -> EntityUpdate {
        let values = [PropertyValue.string(record.id)]
        return EntityUpdate(
            id: record.id,
            properties: RecordProperties(values: values),
            named: [0]
        )
    }

    @Test
    func `refuses a whole call for one bad record, unless it is partial`() throws {
        let world = try World()
        _ = try world.put("ann", "s", [event("a", 1, id: "e")])
        var batch = RecordBatch(list: .records, count: 2, isPartial: false)
        batch.entries = [
            .init(index: 0, record: .event(userID: "bob", sessionID: "", event("b", 1))),
            .init(index: 1, record: .event(userID: "bob", sessionID: "", event("c", 1, id: "e"))),
        ]
        let field = "records[1].interaction.event.event_id"
        do {
            try world.run(.putRecords(group: shop, tracker: nil, batch))
            Issue.record("taken")
        } catch {
            #expect(error.violations.map(\.field) == [field])
        }
        #expect(world.history("bob").isEmpty)
        batch.isPartial = true
        let outcome = try world.run(.putRecords(group: shop, tracker: nil, batch))
        #expect(outcome.appliedCount == 1)
        #expect(outcome.rejected.map(\.index) == [1])
        #expect(outcome.rejected[0].refusal.violations.map(\.field) == [field])
        #expect(world.history("bob") == ["b"])
    }

    /// Few users, sessions, items, times and ids, so that they meet.
    private func mutation(_ random: inout SeededGenerator) -> Mutation {
        func any(_ prefix: String, _ count: Int) -> String {
            prefix + "\(Int.random(in: 0..<count, using: &random))"
        }
        switch Int.random(in: 0..<10, using: &random) {
        case 0:
            return .putItems(
                group: shop,
                [EntityRecord(id: any("i", 9), properties: RecordProperties())]
            )
        case 1:
            return .putUsers(
                group: shop,
                [EntityRecord(id: any("u", 4), properties: RecordProperties())]
            )
        default:
            let events = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                event(
                    any("i", 9),
                    Int64.random(in: 0..<12, using: &random),
                    id: Bool.random(using: &random) ? "" : any("e", 40)
                )
            }
            let user = Bool.random(using: &random) ? any("u", 4) : ""
            return .putEvents(
                group: shop,
                tracker: nil,
                EventBatch(userID: user, sessionID: any("s", 5), events: events)
            )
        }
    }

    @Test
    func `orders by time, ties by arrival, late events in place`() throws {
        let world = try World()
        _ = try world.put("ann", "s", [event("c", 3), event("a", 1)])
        _ = try world.put("ann", "s", [event("b", 2), event("d", 3)])
        #expect(world.history("ann") == ["a", "b", "c", "d"])
    }

    @Test
    func `gives a session's history to the user who joins it first`() throws {
        let world = try World()
        _ = try world.put("", "s", [event("a", 1), event("c", 3)])
        #expect(world.history("s", .session) == ["a", "c"])
        _ = try world.put("ann", "s", [event("b", 2)])
        #expect(world.history("ann") == ["a", "b", "c"])
        #expect(world.history("s", .session).isEmpty)
        _ = try world.put("", "s", [event("d", 4)])
        _ = try world.put("bob", "s", [event("e", 5)])
        _ = try world.put("", "s", [event("f", 6)])
        #expect(world.history("ann") == ["a", "b", "c", "d"])
        #expect(world.history("bob") == ["e", "f"])
    }

    @Test
    func `grows the columns of an open schema and holds them to their type`() throws {
        let world = try World()
        let price = RecordProperties(added: [.init(name: "unitPrice", value: .double(2))])
        try world.run(.putItems(group: shop, [EntityRecord(id: "a", properties: price)]))
        let schema = world.engine.schema(of: shop, .items)
        #expect(schema?.ownColumns.map(\.name) == ["COLOR", "UNIT_PRICE"])
        let wrong = RecordProperties(added: [.init(name: "unit_price", value: .string("x"))])
        do {
            try world.run(.putItems(group: shop, [EntityRecord(id: "a", properties: wrong)]))
            Issue.record("taken")
        } catch {
            #expect(error.violations.map(\.field) == ["items[0].properties.unit_price"])
        }
    }

    @Test
    func `deletes in order only`() throws {
        let world = try World()
        let dataset = shop.child("datasets", "interactions")
        for (name, message) in [
            (shop, "the event tracker"), (dataset, "the event tracker"),
            (.schema("items"), "the dataset"),
        ] {
            do {
                try world.run(.deleteResource(name, etag: nil))
                Issue.record("\(name) was deleted")
            } catch {
                #expect(error.code == .resourceInUse)
                #expect(error.message.contains(message))
            }
        }
        try world.run(.deleteResource(shop.child("eventTrackers", "t"), etag: nil))
        try world.run(.deleteResource(dataset, etag: nil))
        #expect(world.engine.resources[dataset] == nil)
    }

    @Test
    func `answers a repeated request as the first time`() throws {
        let world = try World()
        let group = Resource.datasetGroup(
            DatasetGroup(header: header("g"), index: GroupIndex(0))
        )
        let first = try world.run(.createResources([group], requestID: "r"))
        let again = try world.run(.createResources([group], requestID: "r"))
        #expect(first.resources == again.resources)
        let other = Resource.datasetGroup(
            DatasetGroup(header: header("h"), index: GroupIndex(0))
        )
        #expect(throws: Refusal.self) {
            try world.run(.createResources([other], requestID: "r"))
        }
        #expect(throws: Refusal.self) { try world.run(.createResources([group], requestID: "")) }
    }
}

@Suite
struct `Remembered requests` {
    private func create(_ name: String) -> Mutation {
        let group = DatasetGroup(header: header(name), index: GroupIndex(0))
        return .createResources([.datasetGroup(group)], requestID: "r-" + name)
    }

    private func forgotten(_ world: World) -> [String] {
        world.log.flatMap(\.effects).compactMap { effect in
            if case .requestForgotten(let id) = effect { id } else { nil }
        }
    }

    @Test
    func `are forgotten after a day, on disk too`() throws {
        let world = try World()
        try world.run(create("a"))
        let hour: Int64 = 3_600_000
        try world.run(create("b"), at: Timestamp(milliseconds: now.milliseconds + 23 * hour))
        #expect(forgotten(world).isEmpty)
        #expect(try world.run(create("a")).appliedCount == 0)
        try world.run(create("c"), at: Timestamp(milliseconds: now.milliseconds + 25 * hour))
        #expect(forgotten(world) == ["r-a"])
        // Forgotten: the same call is a new one, whose name is taken.
        #expect(throws: Refusal.self) { try world.run(create("a")) }
    }
}

@Suite
struct `The engine` {
    /// The effects as the rows of a store: the last of each, in the order of recovery.
    static func rows(_ log: [Effects]) -> [Effect] {
        var kept: [String: (Int, Effect)] = [:]
        var events: [String: (GroupIndex, UserIndex, StoredEvent)] = [:]
        func keep(_ key: String, _ order: Int, _ effect: Effect) { kept[key] = (order, effect) }
        for effect in log.flatMap(\.effects) {
            switch effect {
            case .resourceStored(let name, _): keep("r\(name)", 0, effect)
            case .resourceDeleted(let name): kept["r\(name)"] = nil
            case .itemNamed(_, let item, _): keep("i\(item)", 1 + Int(item.rawValue), effect)
            case .ownerNamed(_, let owner, _, _): keep("o\(owner)", 1 + Int(owner.rawValue), effect)
            case .eventTypeNamed(_, let type, _): keep("t\(type)", 1 + Int(type.rawValue), effect)
            case .sessionJoined(_, let session, _): keep("s\(session)", 1_000_000, effect)
            case .itemStored(_, let item, _): keep("I\(item)", 1_000_001, effect)
            case .userStored(_, let user, _): keep("U\(user)", 1_000_001, effect)
            case .eventStored(let group, let owner, let event):
                events["\(owner) \(event.position) \(event.ordinal)"] = (group, owner, event)
            case .historyJoined(let group, let session, let user, let merged):
                for (key, row) in events where [session, user].contains(row.1) { events[key] = nil }
                for event in merged {
                    events["\(user) \(event.position) \(event.ordinal)"] = (group, user, event)
                }
                keep("s\(session)", 1_000_000, .sessionJoined(group, session: session, user: user))
            case .batchRemembered(let key, let answer): keep("b\(key)\(answer.batchID)", 0, effect)
            case .batchForgotten(let key, let batchID): kept["b\(key)\(batchID)"] = nil
            case .producerForgotten(let key):
                for row in kept.keys where row.hasPrefix("b\(key)") { kept[row] = nil }
            case .erased, .merged: preconditionFailure("the journal's tests restart after these")
            case .eventsRestored: preconditionFailure("a log has none")
            case .recordsDeleted, .requestRemembered, .requestForgotten, .bulk: break
            }
        }
        let sorted = events.values.sorted { left, right in
            (left.1, left.2.record.occurredAt, left.2.position, left.2.ordinal)
                < (right.1, right.2.record.occurredAt, right.2.position, right.2.ordinal)
        }
        return kept.values.sorted { $0.0 < $1.0 }.map(\.1)
            + sorted.map { .eventStored($0.0, owner: $0.1, $0.2) }
    }

    /// The same where nobody is told of events.
    private static func restored(_ effect: Effect) -> Effect {
        guard case .eventStored(let group, let owner, let event) = effect else { return effect }
        let restored = RestoredEvent(
            position: event.position,
            ordinal: 0,
            item: event.item,
            type: event.type,
            occurredAt: event.record.occurredAt,
            value: event.record.eventValue,
            properties: event.record.properties,
            textByteCount: event.record.textByteCount,
            generation: event.generation
        )
        return .eventsRestored(group, owner: owner, [restored])
    }

    @Test(arguments: 0..<5)
    func `is the same after a restart from its rows`(round: Int) throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let world = try World()
        for _ in 0..<300 {
            let user =
                Bool.random(using: &random) ? "u\(Int.random(in: 0..<6, using: &random))" : ""
            let session = "s\(Int.random(in: 0..<8, using: &random))"
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                let record = EntityRecord(
                    id: "i\(Int.random(in: 0..<20, using: &random))",
                    properties: RecordProperties(values: [.string("red")])
                )
                try world.run(.putItems(group: shop, [record]))
            case 1:
                let record = EntityRecord(id: "u1", properties: RecordProperties(values: [.null]))
                try world.run(.putUsers(group: shop, [record]))
            default:
                let events = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                    event(
                        Int.random(in: 0..<8, using: &random) == 0
                            ? "" : "i\(Int.random(in: 0..<20, using: &random))",
                        Int64.random(in: 0..<40, using: &random)
                    )
                }
                _ = try world.put(user, session, events)
            }
        }
        let restarted = DatasetEngine(hash: StableHash(key: (7, 8)))
        let rows = Self.rows(world.log).map(Self.restored)
        _ = restarted.apply([Effects(position: LogPosition(1), effects: rows)])
        let before = EngineDigest(world.engine)
        let after = EngineDigest(restarted)
        #expect(
            before == after,
            "seed \(seed): \(Set(before.lines).symmetricDifference(after.lines).prefix(6))"
        )
    }

    @Test
    func `shows readers one state while a writer applies`() async throws {
        let world = try World()
        let engine = world.engine
        let reader = Task.detached {
            var torn = 0
            for _ in 0..<20_000 {
                let (root, position) = engine.consistently {
                    (engine.group(named: shop)?.currentRoot.itemCount ?? 0, engine.position)
                }
                // Each mutation after the first names one item.
                if UInt64(root) + 1 != position.rawValue { torn += 1 }
            }
            return torn
        }
        for index in 0..<2_000 {
            try world.run(
                .putItems(
                    group: shop,
                    [
                        EntityRecord(id: "i\(index)", properties: RecordProperties())
                    ]
                )
            )
        }
        let torn = await reader.value
        #expect(torn == 0)
    }
}
