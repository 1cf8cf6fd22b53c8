import Engine
import Journal
import Primitives
import Resources
import Testing

@Suite
struct `What a journal promises to remember` {
    private func put(
        _ user: String,
        _ item: String,
        id: String = "",
        session: String = "s"
    ) -> Mutation {
        let record = EventRecord(
            eventID: id,
            eventType: "view",
            itemID: item,
            occurredAt: Timestamp(milliseconds: 5_000)
        )
        return .putEvents(
            group: shop,
            tracker: nil,
            EventBatch(userID: user, sessionID: session, events: [record])
        )
    }

    @Test
    func `a generated event id names its event, wherever that has moved`() async throws {
        try await withDirectory { path in
            var journal = try open(path)
            try await makeGroup(journal)
            let first = try await journal.sequencer.submit(put("", "a")).eventIDs
            let id = try #require(first.first)
            for user in ["", "ann", "bob"] {
                // The first user who joins takes the history; a second one does not.
                if !user.isEmpty { _ = try await journal.sequencer.submit(put(user, "x-" + user)) }
                let owner = user.isEmpty ? "" : "ann"
                let same = try await journal.sequencer.submit(put(owner, "a", id: id))
                #expect(same.duplicateCount == 1 && same.eventIDs == [id])
                await #expect(throws: Refusal.self) {
                    try await journal.sequencer.submit(put(owner, "b", id: id))
                }
                await #expect(throws: Refusal.self) {
                    try await journal.sequencer.submit(put("eve", "a", id: id, session: "t"))
                }
                journal.close()
                journal = try open(path)
            }
            journal.close()
        }
    }

    @Test
    func `a request id, for 24 hours`() async throws {
        try await withDirectory { path in
            func create(_ id: String, _ journal: Journal) async throws -> Int {
                _ = try await journal.sequencer.submit(.createResources([], requestID: id))
                return EngineDigest(journal.engine).lines.count { $0.hasPrefix("request ") }
            }
            var journal = try open(path, clock: StoppedClock(time: now))
            for index in 0..<5 { #expect(try await create("r\(index)", journal) == index + 1) }
            journal.close()
            let tomorrow = now.milliseconds + Limits.requestMemoryMS
            let clock = StoppedClock(time: Timestamp(milliseconds: tomorrow))
            for round in 0..<2 {
                journal = try open(path, clock: clock)
                #expect(try await create("late\(round)", journal) == round + 1)
                journal.close()
            }
        }
    }
}
