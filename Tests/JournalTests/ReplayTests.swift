import Engine
import Journal
import Logging
import Primitives
import Resources
import Synchronization
import Testing

/// What a live part knows, in the smallest form: which entry follows which in whose history.
///
/// It learns from windows alone, as the models do, so a wrong retraction shows.
private struct Neighbours: Equatable {
    struct Pair: Hashable {
        var user: UserIndex
        var first: Interaction?
        var second: Interaction?
    }

    var counts: [Pair: Int] = [:]
    /// Everything at or below it is in `counts` already.
    var position = LogPosition.zero
    var current = LogPosition.zero

    mutating func follow(_ changes: [AppliedChange]) {
        for change in changes {
            switch change {
            case .began(let position): current = position
            case .observed(_, let change) where current > position: add(change, 1)
            case .retracted(_, let change) where current > position: add(change, -1)
            default: break
            }
        }
    }

    private mutating func add(_ change: HistoryChange, _ sign: Int) {
        let (window, index) = (change.window, change.index)
        let before = index > 0 ? window[index - 1] : nil
        let after = index + 1 < window.count ? window[index + 1] : nil
        count(change.user, before, window[index], sign)
        count(change.user, window[index], after, sign)
        count(change.user, before, after, -sign)
    }

    private mutating func count(
        _ user: UserIndex,
        _ first: Interaction?,
        _ second: Interaction?,
        _ sign: Int
    ) {
        let pair = Pair(user: user, first: first, second: second)
        counts[pair, default: 0] += sign
        if counts[pair] == 0 { counts[pair] = nil }
    }
}

private final class Learner: ApplyObserver {
    private let state = Mutex(Neighbours())

    func applied(_ changes: [AppliedChange]) { state.withLock { $0.follow(changes) } }

    var learnt: Neighbours { state.withLock { $0 } }
}

@Suite
struct `A restart from an artifact` {
    private func delete(_ deletion: Deletion) -> Mutation { .delete(group: shop, deletion) }

    private func mutation(_ random: inout SeededGenerator) -> Mutation {
        func pick(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
        if pick(3) == 0 {
            var batch = RecordBatch(list: .records, count: 6, isPartial: false)
            for index in 0..<6 {
                let record = EventRecord(
                    eventType: "view",
                    itemID: pick(9) == 0 ? "" : "i\(pick(40))",
                    occurredAt: Timestamp(milliseconds: Int64(pick(50)))
                )
                let user = pick(3) == 0 ? "u\(pick(3))" : ""
                batch.entries.append(
                    .init(
                        index: index,
                        record: .event(userID: user, sessionID: "s\(pick(25))", record)
                    )
                )
            }
            return .putRecords(group: shop, tracker: nil, batch)
        }
        switch pick(12) {
        case 0: return delete(.owners(.user, ["u\(pick(3))"], isPartial: true))
        case 1: return delete(.owners(.session, ["s\(pick(25))"], isPartial: true))
        case 2: return delete(.item("i\(pick(40))"))
        case 5:
            return .mergeUsers(group: shop, merged: "u\(pick(3))", kept: "u\(pick(5))")
        case 3, 4:
            let given = "given-\(pick(4) == 0 ? "u\(pick(3))" : "")-s\(pick(25))-\(pick(9) * 7)"
            return delete(.event(given))
        default: break
        }
        let user = pick(4) == 0 ? "u\(pick(3))" : ""
        return put(user, "s\(pick(25))", (0..<3).map { _ in pick(60) })
    }

    @Test(arguments: 0..<6)
    func `teaches what was learnt since, joins, merges and deletions of older events included`(
        round: Int
    ) async throws {
        try await withDirectory { path in
            let seed = UInt64.random(in: 0 ... .max)
            var random = SeededGenerator(seed: seed)
            let live = Learner()
            let journal = try Journal(.directory(path), logger: Logger(label: "test"))
            try journal.recover(replayAfter: LogPosition(.max), prepare: {}, observe: { _ in })
            journal.sequencer.start(observer: live)
            try await makeGroup(journal)
            var artifacts: [Neighbours] = []
            for step in 0..<150 {
                _ = try? await journal.sequencer.submit(mutation(&random))
                if step == 40 || step == 90 {
                    var artifact = live.learnt
                    artifact.position = journal.engine.position
                    artifacts.append(artifact)
                }
            }
            let digest = EngineDigest(journal.engine)
            journal.close()

            let again = try Journal(.directory(path), logger: Logger(label: "test"))
            try again.recover(
                replayAfter: artifacts[0].position,
                prepare: {},
                observe: { changes in
                    for index in artifacts.indices { artifacts[index].follow(changes) }
                }
            )
            #expect(EngineDigest(again.engine) == digest, "seed \(seed)")
            for artifact in artifacts {
                #expect(artifact.counts == live.learnt.counts, "seed \(seed)")
            }
            again.sequencer.start(observer: Quiet())
            again.close()
        }
    }

    /// What is deleted makes room in a full history for events that are on disk only.
    @Test
    func `reads a full history again where deletions made room in it`() async throws {
        try await withDirectory { path in
            let live = Learner()
            let journal = try Journal(.directory(path), logger: Logger(label: "test"))
            try journal.recover(replayAfter: LogPosition(.max), prepare: {}, observe: { _ in })
            journal.sequencer.start(observer: live)
            try await makeGroup(journal)
            let count = Limits.historyLengthMax + 40
            func event(_ number: Int) -> EventRecord {
                EventRecord(
                    eventID: number % 1_000 == 0 ? "given-\(number)" : "",
                    eventType: "view",
                    itemID: "i\(number % 97)",
                    occurredAt: Timestamp(milliseconds: Int64(number))
                )
            }
            for start in stride(from: 0, to: count, by: 8_192) {
                let events = (start..<min(start + 8_192, count)).map(event)
                _ = try await journal.sequencer.submit(
                    .putEvents(
                        group: shop,
                        tracker: nil,
                        EventBatch(userID: "ann", sessionID: "s", events: events)
                    )
                )
            }
            var artifact = live.learnt
            artifact.position = journal.engine.position
            for deletion in [Deletion.event("given-60000"), .item("i96"), .event("given-3000")] {
                _ = try await journal.sequencer.submit(delete(deletion))
            }
            let digest = EngineDigest(journal.engine)
            journal.close()

            let again = try Journal(.directory(path), logger: Logger(label: "test"))
            try again.recover(
                replayAfter: artifact.position,
                prepare: {},
                observe: { artifact.follow($0) }
            )
            #expect(EngineDigest(again.engine) == digest)
            #expect(artifact.counts == live.learnt.counts)
            again.sequencer.start(observer: Quiet())
            again.close()
        }
    }

    @Test
    func `needs no more of joins than the oldest artifact does not know`() async throws {
        try await withDirectory { path in
            let journal = try open(path)
            try await makeGroup(journal)
            _ = try await journal.sequencer.submit(put("", "s", [1, 2]))
            let artifact = journal.engine.position
            _ = try await journal.sequencer.submit(put("ann", "s", [4]))
            journal.close()
            func told(forgetting: LogPosition) throws -> Int {
                let journal = try Journal(.directory(path), logger: Logger(label: "test"))
                var told = 0
                try journal.recover(replayAfter: artifact, prepare: {}) { changes in
                    told += changes.count { if case .retracted = $0 { true } else { false } }
                }
                journal.forgetRewrites(through: forgetting)
                journal.sequencer.start(observer: Quiet())
                journal.close()
                return told
            }
            #expect(try told(forgetting: artifact) == 2)
            #expect(try told(forgetting: LogPosition(artifact.rawValue + 1)) == 2)
            // Forgotten: whoever asks knows the join already.
            #expect(try told(forgetting: .zero) == 0)
        }
    }

    @Test
    func `learns that interactions were deleted`() async throws {
        try await withDirectory { path in
            var journal = try open(path)
            try await makeGroup(journal)
            _ = try await journal.sequencer.submit(put("ann", "s", [1]))
            #expect(try journal.interactionsDeleted(GroupIndex(0)) == nil)
            let dataset = shop.child("datasets", "interactions")
            let deletion = try await journal.sequencer.submit(
                .deleteResource(dataset, etag: nil)
            ).position
            journal.close()
            journal = try open(path)
            #expect(try journal.interactionsDeleted(GroupIndex(0)) == deletion)
            journal.close()
        }
    }
}
