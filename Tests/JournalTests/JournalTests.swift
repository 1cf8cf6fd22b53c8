import Engine
import Foundation
import Journal
import Logging
import Primitives
import Resources
import Synchronization
import Testing

@Suite
struct `A journal` {
    @Test
    func `brings the engine back as it was, again and again`() async throws {
        try await withDirectory { path in
            let seed = UInt64.random(in: 0 ... .max)
            var random = SeededGenerator(seed: seed)
            try await reopening(path, times: 4, seed: seed) { journal in
                for _ in 0..<120 {
                    let user =
                        Bool.random(using: &random)
                        ? "u\(Int.random(in: 0..<5, using: &random))" : ""
                    let items = (0..<3).map { _ in Int.random(in: 0..<200, using: &random) }
                    let session = "s\(Int.random(in: 0..<6, using: &random))"
                    do throws(Refusal) {
                        _ = try await journal.sequencer.submit(put(user, session, items))
                    } catch {
                        // A given id under another user is another body.
                        #expect(error.code == .resourceAlreadyExists)
                    }
                }
            }
        }
    }

    @Test
    func `keeps filters, and the default filter of a campaign with its values`() async throws {
        try await withDirectory { path in
            let journal = try open(path)
            try await makeGroup(journal)
            let solution = Solution(
                header: header("s"),
                group: shop,
                recipe: .recipe("popularity-count")
            )
            let version = SolutionVersion(
                header: header("v"),
                solution: shop.child("solutions", "s")
            )
            let filter = Filter(
                header: header("f"),
                group: shop,
                expression: "EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ($A, $B)"
            )
            let campaign = Campaign(
                header: header("c"),
                group: shop,
                solutionVersion: shop.child("solutions", "s").child("versions", "v"),
                explorationConfig: [
                    "explorationWeight": "0.1", "explorationItemAgeCutOff": "3",
                ],
                defaultFilter: shop.child("filters", "f"),
                defaultFilterValues: ["A": ["x", "y"], "B": []]
            )
            _ = try await journal.sequencer.submit(
                .createResources(
                    [
                        .solution(solution), .solutionVersion(version), .filter(filter),
                        .campaign(campaign),
                    ],
                    requestID: ""
                )
            )
            let digest = EngineDigest(journal.engine)
            journal.close()
            let again = try open(path)
            #expect(EngineDigest(again.engine) == digest)
            let name = shop.child("campaigns", "c")
            #expect(again.engine.resources[name] == .campaign(campaign))
            again.close()
        }
    }

    @Test
    func `answers many callers at once, each with what became of its write`() async throws {
        try await withDirectory { path in
            let journal = try open(path)
            try await makeGroup(journal)
            let applied = try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<200 {
                    group.addTask {
                        // Every write comes twice.
                        let mutation = put("u\(index / 2)", "s", [1, 2, 3])
                        return try await journal.sequencer.submit(mutation).appliedCount
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(applied == 300)
            journal.close()
        }
    }

    @Test
    func `refuses a directory that is in use, by name`() async throws {
        try await withDirectory { path in
            let journal = try open(path)
            do throws(JournalError) {
                _ = try open(path)
                Issue.record("opened twice")
            } catch {
                #expect(error.code == .inUse)
                #expect(error.message.contains(path))
            }
            journal.close()
        }
    }

    @Test
    func `takes a torn tail, which nobody was told of`() async throws {
        try await withDirectory { path in
            let journal = try open(path)
            try await makeGroup(journal)
            for index in 0..<50 {
                _ = try await journal.sequencer.submit(put("u", "s", [index]))
            }
            let position = journal.engine.position
            journal.close()
            let files = try FileManager.default.contentsOfDirectory(atPath: path)
            let log = try #require(files.filter { $0.hasSuffix(".log") }.sorted().last)
            let file = URL(fileURLWithPath: path).appendingPathComponent(log)
            let whole = try Data(contentsOf: file)
            try whole.prefix(whole.count - 20).write(to: file)
            let torn = try open(path)
            #expect(torn.engine.position.rawValue == position.rawValue - 1)
            torn.close()
        }
    }

    /// What must be there before a fact can be read has its moment.
    @Test
    func `tells of a batch before it can be read, and of its changes after`() async throws {
        let journal = try Journal(.memory, logger: Logger(label: "test"))
        let witness = Witness(journal.engine)
        try journal.recover(replayAfter: LogPosition(.max), prepare: {}, observe: { _ in })
        journal.sequencer.start(observer: witness)
        try await makeGroup(journal)
        journal.close()
        #expect(witness.seen.withLock { $0 } == ["will, unreadable", "did, readable"])
    }

    @Test
    func `keeps nothing on disk when it is in memory`() async throws {
        let journal = try Journal(.memory, logger: Logger(label: "test"))
        try journal.recover(replayAfter: LogPosition(.max), prepare: {}, observe: { _ in })
        journal.sequencer.start(observer: Quiet())
        try await makeGroup(journal)
        let outcome = try await journal.sequencer.submit(put("u", "s", [1]))
        #expect(outcome.appliedCount == 1)
        journal.close()
    }
}

/// Looks for the group at both moments.
private final class Witness: ApplyObserver {
    let seen = Mutex<[String]>([])
    private let engine: DatasetEngine

    init(_ engine: DatasetEngine) {
        self.engine = engine
    }

    func willApply(_ batch: [Effects]) { note("will") }

    func applied(_ changes: [AppliedChange]) { note("did") }

    private func note(_ moment: String) {
        let isReadable = engine.resources[shop] != nil
        seen.withLock { $0.append("\(moment), \(isReadable ? "readable" : "unreadable")") }
    }
}
