import Engine
import Journal
import Logging
import Primitives
import Resources
import Testing

/// An event as a call told of it.
private struct Told: Equatable {
    var place: EventPlace
    var item: String
    var id: String

    static func isBefore(_ left: Told, _ right: Told) -> Bool {
        (left.place.time, left.place.position, left.place.ordinal)
            < (right.place.time, right.place.position, right.place.ordinal)
    }
}

@Suite
struct `Events that share rows` {
    private static let group = GroupIndex(0)
    private static let owner = UserIndex(0)

    /// Up to twelve events of the user, within hours of each other, in any order.
    private func putSome(
        _ journal: Journal,
        _ number: inout Int,
        _ random: inout SeededGenerator
    ) async throws -> [Told] {
        let start = Int64.random(in: 0..<6, using: &random) * 3_000_000
        let reach: Int64 = Bool.random(using: &random) ? 60_000 : 8_000_000
        let records = (0..<Int.random(in: 1...12, using: &random)).map { _ in
            number += 1
            return EventRecord(
                eventID: number % 5 == 0 ? "given-\(number)" : "",
                eventType: "view",
                itemID: "i\(number)",
                occurredAt: Timestamp(
                    milliseconds: start + Int64.random(in: 0..<reach, using: &random) / 1_000
                        * 1_000
                ),
                impression: number % 9 == 0 ? (0..<200).map { "shown-\($0)" } : []
            )
        }
        let batch = EventBatch(userID: "u", sessionID: "", events: records)
        let outcome = try await journal.sequencer.submit(
            .putEvents(group: shop, tracker: nil, batch)
        )
        return records.enumerated().map { ordinal, record in
            Told(
                place: EventPlace(
                    owner: Self.owner,
                    time: record.occurredAt,
                    position: outcome.position,
                    ordinal: UInt16(ordinal)
                ),
                item: record.itemID,
                id: outcome.eventIDs[ordinal]
            )
        }
    }

    private func told(_ owner: UserIndex, _ event: StoredEvent) -> Told {
        Told(
            place: EventPlace(
                owner: owner,
                time: event.record.occurredAt,
                position: event.position,
                ordinal: event.ordinal
            ),
            item: event.record.itemID,
            id: event.identifier(Self.group, owner)
        )
    }

    /// By pages, newest first.
    private func pages(_ journal: Journal, of count: Int) throws -> [Told] {
        var found: [Told] = []
        while true {
            let page = try journal.records.events(
                Self.group,
                of: Self.owner,
                before: found.last?.place,
                count: count
            ) { _ in true }
            found += page.map { told($0.owner, $0.event) }
            if page.count < count { return found }
        }
    }

    private func inSnapshot(_ journal: Journal) async throws -> (events: [Told], bytes: Int) {
        try await withCheckedThrowingContinuation { continuation in
            journal.sequencer.perform {
                continuation.resume(
                    with: Result {
                        var found: [Told] = []
                        var bytes = 0
                        try journal.makeSnapshot().forEachEventRow(of: Self.group) {
                            found.append(told($0, $1))
                            bytes += $2
                            return true
                        }
                        return (found, bytes)
                    }
                )
            }
        }
    }

    @Test
    func `are read one by one, in order, however their times overlap and whichever are deleted`()
        async throws
    {
        try await withDirectory { path in
            let seed = UInt64.random(in: 0 ... .max)
            var random = SeededGenerator(seed: seed)
            var expected: [Told] = []
            var number = 0
            try await reopening(path, times: 4, seed: seed) { journal in
                for _ in 0..<12 {
                    expected += try await putSome(journal, &number, &random)
                    let gone = expected.remove(at: .random(in: expected.indices, using: &random))
                    _ = try await journal.sequencer.submit(
                        .delete(group: shop, .event(gone.id))
                    )
                }
                expected.sort(by: Told.isBefore)
                for count in [1, 7, 1_000] {
                    #expect(try pages(journal, of: count) == expected.reversed(), "seed \(seed)")
                }
                let whole = try await inSnapshot(journal)
                #expect(whole.events == expected, "seed \(seed)")
                #expect(whole.bytes > expected.count * 10)
                for one in expected {
                    let moment = InteractionMoment(time: one.place.time, owner: Self.owner)
                    let found = try journal.records.events(Self.group, at: moment) { _ in true }
                    let same = expected.filter { $0.place.time == one.place.time }
                    #expect(
                        found.map { told($0.owner, $0.event) } == same.reversed(),
                        "seed \(seed)"
                    )
                }
            }
        }
    }

    @Test
    func `are known when they come again, with the ids that they had`() async throws {
        try await withDirectory { path in
            let journal = try open(path)
            try await makeGroup(journal)
            let first = try await journal.sequencer.submit(put("u", "", [3, 2, 1, 7]))
            let again = try await journal.sequencer.submit(put("u", "", [1, 7, 3, 4]))
            #expect((again.appliedCount, again.duplicateCount) == (1, 3))
            #expect(again.eventIDs[0] == first.eventIDs[2])
            #expect(again.eventIDs[1] == first.eventIDs[3])
            #expect(again.eventIDs[2] == first.eventIDs[0])
            journal.close()
        }
    }

    @Test
    func `take less room than rows of their own would`() async throws {
        try await withDirectory { path in
            let journal = try open(path)
            try await makeGroup(journal)
            _ = try await journal.sequencer.submit(put("u", "", Array(1...6)))
            let together = try await inSnapshot(journal).bytes
            for item in 1...6 {
                _ = try await journal.sequencer.submit(put("v", "", [item]))
            }
            let alone = try await inSnapshot(journal).bytes - together
            // Five keys fewer, of 26 bytes each.
            #expect(together + 5 * 20 < alone)
            journal.close()
        }
    }

    @Test
    func `are read where an older server gave each a row of its own`() async throws {
        try await withDirectory { path in
            _ = try Journal(.directory(path), format: 1, logger: Logger(label: "test"))
            let journal = try open(path)
            try await makeGroup(journal)
            _ = try await journal.sequencer.submit(put("u", "", [1]))
            journal.close()
            let error = #expect(throws: JournalError.self) {
                _ = try Journal(.directory(path), format: 1, logger: Logger(label: "test"))
            }
            #expect(error?.message.contains("has format 2, this server reads format 1") == true)
        }
    }
}
