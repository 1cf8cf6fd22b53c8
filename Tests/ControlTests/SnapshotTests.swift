import Control
import Engine
import Journal
import Logging
import Primitives
import Recipes
import Resources
import Testing

private final class Quiet: ApplyObserver {
    func applied(_ changes: [AppliedChange]) {}
}

@Suite
struct `What a training reads` {
    private let shop = ResourceName.datasetGroup("shop")

    private func header(_ name: String) -> ResourceHeader {
        ResourceHeader(
            name: name,
            createdAt: .init(milliseconds: 1),
            updatedAt: .init(milliseconds: 1)
        )
    }

    private func makeJournal() async throws -> Journal {
        let journal = try Journal(.memory, logger: Logger(label: "test"))
        try journal.recover(replayAfter: LogPosition(.max), prepare: {}, observe: { _ in })
        journal.sequencer.start(observer: Quiet())
        let schema = Schema(
            header: header("s"),
            kind: .interactions,
            fields: [SchemaField(name: "USER_ID", type: .string)],
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
        let events = (0..<5).map { index in
            EventRecord(
                eventType: "view",
                itemID: "i\(index)",
                occurredAt: Timestamp(milliseconds: Int64(10 - index))
            )
        }
        _ = try await journal.sequencer.submit(
            .putEvents(
                group: shop,
                tracker: nil,
                EventBatch(userID: "ann", sessionID: "", events: events)
            )
        )
        return journal
    }

    /// A frozen view, made where one may be made.
    private func snapshot(_ journal: Journal) async throws -> RecordSnapshot {
        let made: Result<RecordSnapshot, any Error> = await withCheckedContinuation { done in
            journal.sequencer.perform {
                done.resume(returning: Result { try journal.makeSnapshot() })
            }
        }
        return try made.get()
    }

    private func items(_ set: SnapshotTrainingSet) throws -> [UInt32] {
        var items: [UInt32] = []
        try set.forEachHistory { _, history in
            items += history.map(\.item.rawValue)
            return true
        }
        return items
    }

    @Test
    func `is what a full history keeps`() async throws {
        let journal = try await makeJournal()
        let snapshot = try await snapshot(journal)
        for (kept, expected) in [(65_536, [4, 3, 2, 1, 0]), (2, [1, 0])] as [(Int, [UInt32])] {
            let set = SnapshotTrainingSet(
                snapshot: snapshot,
                group: GroupIndex(0),
                itemCount: 5,
                selection: nil,
                historyLengthMax: kept
            )
            #expect(try items(set) == expected)
            #expect(set.interactionCount == expected.count)
        }
        journal.close()
    }

    @Test
    func `is read anew when the store had to be opened again`() async throws {
        let journal = try await makeJournal()
        let set = SnapshotTrainingSet(
            snapshot: try await snapshot(journal),
            group: GroupIndex(0),
            itemCount: 5,
            selection: nil
        )
        #expect(try items(set).count == 5 && !set.isRevoked)
        // Closes the store, which a reader must not hold open.
        journal.close()
        #expect(throws: RecipeError.self) { try items(set) }
        #expect(set.isRevoked)
    }
}
