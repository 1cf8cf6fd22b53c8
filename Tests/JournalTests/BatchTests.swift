import Dispatch
import Engine
import Journal
import Logging
import Primitives
import Resources
import Synchronization
import Testing

@Suite
struct `Writes that wait for each other` {
    private let dataset = shop.child("datasets", "interactions")

    private func mutation(_ random: inout SeededGenerator) -> Mutation {
        switch Int.random(in: 0..<24, using: &random) {
        case 0: return .deleteResource(dataset, etag: nil)
        case 1: return .deleteResource(shop, etag: nil)
        case 2, 3, 4:
            let group = DatasetGroup(header: header("shop"), index: GroupIndex(0))
            return .createResources([.datasetGroup(group)], requestID: "")
        case 5, 6, 7:
            let dataset = Dataset(
                header: header("d"),
                group: shop,
                kind: .interactions,
                schema: .schema("s")
            )
            return .createResources([.dataset(dataset)], requestID: "")
        default:
            let user =
                Bool.random(using: &random) ? "u\(Int.random(in: 0..<3, using: &random))" : ""
            let items = (0..<2).map { _ in Int.random(in: 0..<30, using: &random) }
            return put(user, "s\(Int.random(in: 0..<4, using: &random))", items)
        }
    }

    private func start() async throws -> Journal {
        let journal = try Journal(.memory, logger: Logger(label: "test"))
        try journal.recover(replayAfter: LogPosition(.max), prepare: {}, observe: { _ in })
        journal.sequencer.start(observer: Quiet())
        try await makeGroup(journal)
        return journal
    }

    /// Submits all while the writer is kept busy, so that they are one batch.
    private func submitTogether(_ mutations: [Mutation], _ journal: Journal) async -> [String] {
        let gate = DispatchSemaphore(value: 0)
        journal.sequencer.perform { gate.wait() }
        let answers = Answers()
        for (index, mutation) in mutations.enumerated() {
            journal.sequencer.submit(mutation) { result, _ in answers.take(index, result) }
        }
        gate.signal()
        await withCheckedContinuation { continuation in
            journal.sequencer.perform { continuation.resume() }
        }
        return answers.inOrder
    }

    @Test(arguments: 0..<4)
    func `end as if each had come alone`(round: Int) async throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let (together, alone) = (try await start(), try await start())
        for _ in 0..<15 {
            let mutations = (0..<60).map { _ in mutation(&random) }
            let answers = await submitTogether(mutations, together)
            var expected: [String] = []
            for one in mutations { expected += await submitTogether([one], alone) }
            #expect(answers == expected, "seed \(seed)")
            #expect(EngineDigest(together.engine) == EngineDigest(alone.engine), "seed \(seed)")
        }
        together.close()
        alone.close()
    }
}

/// What became of writes, by their place.
private final class Answers: Sendable {
    private let answers = Mutex<[Int: String]>([:])

    func take(_ index: Int, _ result: Result<MutationOutcome, Refusal>) {
        let text =
            switch result {
            case .success(let outcome): "\(outcome)"
            case .failure(let refusal): "\(refusal)"
            }
        answers.withLock { $0[index] = text }
    }

    var inOrder: [String] {
        answers.withLock { answers in answers.sorted { $0.key < $1.key }.map(\.value) }
    }
}
