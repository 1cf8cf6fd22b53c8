import Engine
import Primitives
import Resources
import TestSupport
import Testing

/// Facts of distinct times, told in any order, in any calls, and some of them again.
@Suite
struct `The order in which records come` {
    private static let userCount = 5
    private static let sessionCount = 9

    @Test(arguments: 0..<8)
    func `never matters`(round: Int) throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        // Every other time histories are full, and most events are older than what they keep.
        let lengthMax = round % 2 == 0 ? Limits.historyLengthMax : 6
        let records = records(&random)
        let first = try world(lengthMax)
        for record in records { try first.run(call([record], isWhole: false)) }
        let (digest, stored) = (EngineDigest(first.engine), bodies(first))
        #expect(stored.values.contains { $0.count > 6 }, "seed \(seed)")
        for permutation in 0..<8 {
            let world = try world(lengthMax)
            var rest = calls(records.shuffled(using: &random), &random)[...]
            while !rest.isEmpty {
                let batch = Array(rest.prefix(Int.random(in: 1...12, using: &random)))
                rest = rest.dropFirst(batch.count)
                let outcomes = try world.runTogether(batch)
                #expect(
                    outcomes.allSatisfy { $0?.rejected.isEmpty ?? false },
                    "seed \(seed), permutation \(permutation)"
                )
            }
            let now = EngineDigest(world.engine)
            #expect(
                now == digest,
                """
                seed \(seed), permutation \(permutation): \
                \(Set(now.lines).symmetricDifference(digest.lines).sorted().prefix(6))
                """
            )
            #expect(bodies(world) == stored, "seed \(seed), permutation \(permutation)")
            let restarted = DatasetEngine(
                hash: StableHash(key: (7, 8)),
                historyLengthMax: lengthMax
            )
            let rows = `The engine`.rows(world.log)
            _ = restarted.apply([Effects(position: LogPosition(1), effects: rows)])
            #expect(
                EngineDigest(restarted) == digest,
                "seed \(seed), permutation \(permutation), restarted"
            )
        }
    }

    private func world(_ historyLengthMax: Int) throws -> World {
        func fields(_ id: String, _ own: SchemaField...) -> [SchemaField] {
            [SchemaField(name: id, type: .string)] + own
        }
        let color = SchemaField(name: "COLOR", type: .string, isNullable: true)
        let price = SchemaField(name: "PRICE", type: .double, isNullable: true)
        return try World(
            historyLengthMax: historyLengthMax,
            fields: [
                .interactions: fields("USER_ID", color), .items: fields("ITEM_ID", color, price),
                .users: fields("USER_ID", color),
            ]
        )
    }

    // MARK: What is told

    /// Events of users and sessions, known and unknown, records of users and items, used or not.
    ///
    /// A user or an item has one record: of two the newer counts, which is another rule.
    private func records(_ random: inout SeededGenerator) -> [RecordBatch.Record] {
        var records: [RecordBatch.Record] = []
        for item in 0..<14 where item % 3 != 0 {
            let values: [PropertyValue] = [.string("c\(item)"), .double(Double(item) / 2)]
            records.append(
                .item(
                    EntityRecord(
                        id: "i\(item)",
                        properties: RecordProperties(values: values),
                        createdAt: item % 2 == 0 ? now : nil
                    )
                )
            )
        }
        for user in 0..<Self.userCount where user % 2 == 0 {
            let values = [PropertyValue.string("c\(user)")]
            records.append(
                .user(EntityRecord(id: "u\(user)", properties: RecordProperties(values: values)))
            )
        }
        // A session has one user: of two, who joins last gets what comes after.
        let users = (0..<Self.sessionCount).map { session in
            session % 3 == 0 ? "" : "u\(Int.random(in: 0..<Self.userCount, using: &random))"
        }
        for time in 0..<120 {
            let session = Int.random(in: 0..<Self.sessionCount, using: &random)
            let (event, user) = (event(at: time, &random), users[session])
            let names: [(user: String, session: String)] = [
                ("", "s\(session)"), (user, "s\(session)"), (user.isEmpty ? "u0" : user, ""),
            ]
            // What comes again may have got its user meanwhile.
            let isOfUser = Int.random(in: 0..<4, using: &random) == 0
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let name = isOfUser ? names[2] : names[.random(in: 0...1, using: &random)]
                records.append(.event(userID: name.user, sessionID: name.session, event))
            }
        }
        return records.shuffled(using: &random) + records.prefix(6)
    }

    private func event(at time: Int, _ random: inout SeededGenerator) -> EventRecord {
        func any(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
        return EventRecord(
            eventID: any(2) == 0 ? "" : "e\(time)",
            eventType: ["Click", "click", "Buy"][any(3)],
            eventValue: any(2) == 0 ? nil : Double(any(9)),
            itemID: any(8) == 0 ? "" : "i\(any(17))",
            occurredAt: Timestamp(milliseconds: Int64(time) * 7),
            impression: any(3) == 0 ? ["i1", "unseen"] : [],
            properties: RecordProperties(values: any(2) == 0 ? [] : [.string("c\(any(3))")])
        )
    }

    // MARK: How it is told

    /// The records in order, a few a call.
    private func calls(
        _ records: [RecordBatch.Record],
        _ random: inout SeededGenerator
    ) -> [Mutation] {
        var calls: [Mutation] = []
        var rest = records[...]
        while !rest.isEmpty {
            let count = Bool.random(using: &random) ? 1 : Int.random(in: 1...9, using: &random)
            let some = Array(rest.prefix(count))
            calls.append(call(some, isWhole: Bool.random(using: &random)))
            rest = rest.dropFirst(count)
        }
        return calls
    }

    /// A single record in the call of its kind, where there is one for it; several together.
    private func call(_ records: [RecordBatch.Record], isWhole: Bool) -> Mutation {
        switch records[0] {
        case .item(let item) where records.count == 1:
            return .putItems(group: shop, [item])
        case .user(let user) where records.count == 1:
            return .putUsers(group: shop, [user])
        case .event(let user, let session, let event) where records.count == 1 && session != "":
            let events = EventBatch(userID: user, sessionID: session, events: [event])
            return .putEvents(group: shop, tracker: nil, events)
        default:
            var batch = RecordBatch(list: .records, count: records.count, isPartial: !isWhole)
            batch.entries = records.enumerated().map { .init(index: $0, record: $1) }
            return .putRecords(group: shop, tracker: nil, batch)
        }
    }

    // MARK: What is stored

    /// Every stored event by the id of its owner, those included that histories are too short for.
    private func bodies(_ world: World) -> [String: [EventRecord]] {
        guard let group = world.engine.group(named: shop) else { return [:] }
        var bodies: [String: [EventRecord]] = [:]
        for (kind, prefix, count) in [
            (OwnerKind.user, "u", Self.userCount), (.session, "s", Self.sessionCount),
        ] {
            for id in (0..<count).map({ prefix + "\($0)" }) {
                guard let owner = group.owner(withID: id, kind) else { continue }
                bodies[id] = world.facts.events(group.index, owner: owner).map(\.record)
            }
        }
        return bodies
    }
}
