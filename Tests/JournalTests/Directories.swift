import Engine
import Foundation
import Journal
import Logging
import Primitives
import Resources
import Testing

let now = Timestamp(milliseconds: 1_700_000_000_000)
let shop = ResourceName.datasetGroup("shop")

func header(_ name: String) -> ResourceHeader {
    ResourceHeader(name: name, createdAt: now, updatedAt: now)
}

final class Quiet: ApplyObserver {
    func applied(_ changes: [AppliedChange]) {}
}

func open(
    _ path: String,
    clock: any Clock = SystemClock()
) throws(JournalError) -> Journal {
    let journal = try Journal(.directory(path), clock: clock, logger: Logger(label: "test"))
    try journal.recover(replayAfter: LogPosition(.max), prepare: {}, observe: { _ in })
    journal.sequencer.start(observer: Quiet())
    return journal
}

func makeGroup(_ journal: Journal) async throws {
    let fields = [SchemaField(name: "USER_ID", type: .string)]
    let schema = Schema(
        header: header("s"),
        kind: .interactions,
        fields: fields,
        document: "{}"
    )
    let dataset = Dataset(
        header: header("d"),
        group: shop,
        kind: .interactions,
        schema: .schema("s")
    )
    _ = try await journal.sequencer.submit(
        .createResources(
            [
                .datasetGroup(DatasetGroup(header: header("shop"), index: GroupIndex(0))),
                .schema(schema), .dataset(dataset),
            ],
            requestID: ""
        )
    )
}

func put(_ user: String, _ session: String, _ items: [Int]) -> Mutation {
    .putEvents(
        group: shop,
        tracker: nil,
        EventBatch(
            userID: user,
            sessionID: session,
            events: items.map { item in
                EventRecord(
                    eventID: item % 7 == 0 ? "given-\(user)-\(session)-\(item)" : "",
                    eventType: "view",
                    itemID: "i\(item)",
                    occurredAt: Timestamp(milliseconds: Int64(item % 50) * 1_000),
                    impression: item % 3 == 0 ? ["x", "y"] : []
                )
            }
        )
    )
}

func withDirectory(_ body: (String) async throws -> Void) async throws {
    let path = FileManager.default.temporaryDirectory
        .appendingPathComponent("journal-\(UInt64.random(in: 0 ... .max))").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await body(path)
}

/// Opens the journal at `path` so many times, with a group from the first time on: each time its
/// engine is what it was when it was closed.
func reopening(
    _ path: String,
    times: Int,
    seed: UInt64,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (Journal) async throws -> Void
) async throws {
    var digest: EngineDigest?
    for round in 0..<times {
        let journal = try open(path)
        if let digest {
            let now = EngineDigest(journal.engine)
            #expect(
                now == digest,
                """
                seed \(seed), round \(round): \
                \(Set(now.lines).symmetricDifference(digest.lines).sorted().prefix(6))
                """,
                sourceLocation: sourceLocation
            )
        } else {
            try await makeGroup(journal)
        }
        try await body(journal)
        digest = EngineDigest(journal.engine)
        journal.close()
    }
}

/// A clock that stands still.
struct StoppedClock: Clock {
    let time: Timestamp

    func now() -> Timestamp { time }
    func monotonicNanoseconds() -> UInt64 { UInt64(time.milliseconds) * 1_000_000 }
}
