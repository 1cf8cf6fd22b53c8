import Engine
import Journal
import Primitives
import Resources
import Testing

/// A chunk of an import, as files' rows come to the planner.
private func chunk(_ rows: [(user: String, item: String, seconds: Int)]) -> BulkRecords {
    var events = BulkEvents()
    events.types = ["view"]
    for (ordinal, row) in rows.enumerated() {
        func text(_ text: String) -> TextRange {
            defer { events.text += Array(text.utf8) }
            return TextRange(start: events.text.count, count: text.utf8.count)
        }
        events.rows.append(
            .init(
                user: text(row.user),
                item: text(row.item),
                type: 0,
                ordinal: UInt16(ordinal),
                milliseconds: Int64(row.seconds) * 1_000,
                value: ordinal % 4 == 0 ? 2.5 : .nan
            )
        )
    }
    return .events(events)
}

private func importJob(_ name: String, _ mode: ImportMode, _ kind: DatasetKind) -> Resource {
    var header = header(name)
    header.status = .createPending
    let work = ImportWork(
        dataset: kind,
        source: FileSource(path: "/nowhere"),
        mode: mode,
        eventType: "view",
        errorsMax: 10
    )
    return .job(Job(header: header, group: shop, work: .importing(work)))
}

private func jobName(_ name: String) -> ResourceName { shop.child("datasetImportJobs", name) }

@Suite
struct `Records in bulk` {
    private func history(_ journal: Journal, _ user: String) -> [String] {
        var found: [Interaction] = []
        let store = journal.engine.group(named: shop)
        _ = user.withRawSpan {
            store?.copyHistory(of: $0, .user, newest: 100, into: &found)
        }
        return found.map { store?.currentRoot.id(of: $0.item) ?? "?" }
    }

    private func begin(
        _ journal: Journal,
        _ name: String,
        _ mode: ImportMode,
        _ kind: DatasetKind = .interactions
    ) async throws {
        let job = importJob(name, mode, kind)
        _ = try await journal.sequencer.submit(.createResources([job], requestID: ""))
        _ = try await journal.sequencer.submit(.job(.begin(jobName(name))))
    }

    private func add(
        _ journal: Journal,
        _ name: String,
        _ rows: [(user: String, item: String, seconds: Int)]
    ) async throws -> MutationOutcome {
        try await journal.sequencer.submit(
            .job(.chunk(jobName(name), chunk(rows), JobProgress(), rejected: []))
        )
    }

    @Test
    func `of a FULL import appear together, and take the place of older ones`() async throws {
        try await withDirectory { path in
            let journal = try open(path)
            try await makeGroup(journal)
            _ = try await journal.sequencer.submit(put("u", "s", [1]))
            try await begin(journal, "first", .full)
            _ = try await add(journal, "first", [("u", "old", 5), ("v", "old", 5)])
            #expect(history(journal, "u") == ["i1"])
            _ = try await journal.sequencer.submit(.job(.activate(jobName("first"))))
            #expect(history(journal, "u") == ["i1", "old"])
            _ = try await journal.sequencer.submit(.job(.end(jobName("first"), .active)))
            try await begin(journal, "second", .full)
            _ = try await add(journal, "second", [("u", "new", 6)])
            #expect(history(journal, "u") == ["i1", "old"])
            _ = try await journal.sequencer.submit(.job(.activate(jobName("second"))))
            #expect(history(journal, "u") == ["i1", "new"])
            #expect(history(journal, "v") == [])
            let digest = EngineDigest(journal.engine)
            journal.close()
            let again = try open(path)
            #expect(EngineDigest(again.engine) == digest)
            again.close()
        }
    }

    @Test
    func `of a stopped FULL import leave the old ones as they were`() async throws {
        try await withDirectory { path in
            let journal = try open(path)
            try await makeGroup(journal)
            try await begin(journal, "first", .full)
            _ = try await add(journal, "first", [("u", "old", 5)])
            _ = try await journal.sequencer.submit(.job(.activate(jobName("first"))))
            _ = try await journal.sequencer.submit(.job(.end(jobName("first"), .active)))
            try await begin(journal, "second", .full)
            _ = try await add(journal, "second", [("u", "new", 6)])
            _ = try await journal.sequencer.submit(
                .job(.stop(jobName("second"), reason: ""))
            )
            #expect(history(journal, "u") == ["old"])
            await #expect(throws: Refusal.self) {
                _ = try await add(journal, "second", [("u", "newer", 7)])
            }
            let digest = EngineDigest(journal.engine)
            journal.close()
            let again = try open(path)
            #expect(EngineDigest(again.engine) == digest)
            again.close()
        }
    }

    /// Bytes of the users' slots.
    private func ownerBytes(_ journal: Journal) -> Int {
        guard let group = journal.engine.group(named: shop) else { return 0 }
        var use = MemoryUse()
        for part in 0..<group.memoryPartCount { group.addMemory(part: part, to: &use) }
        return use[.owners]
    }

    @Test(arguments: [true, false])
    func `of a FULL import take no more memory for users than single ones do`(
        isActivated: Bool
    ) async throws {
        try await withDirectory { path in
            let journal = try open(path)
            try await makeGroup(journal)
            for user in 0..<800 {
                _ = try await journal.sequencer.submit(put("u\(user)", "", [1]))
            }
            let single = ownerBytes(journal)
            try await begin(journal, "first", .full)
            _ = try await add(journal, "first", (0..<800).map { ("u\($0)", "new", 5) })
            #expect(ownerBytes(journal) > single)
            let end: JobStep =
                isActivated
                ? .activate(jobName("first")) : .stop(jobName("first"), reason: "")
            _ = try await journal.sequencer.submit(.job(end))
            #expect(ownerBytes(journal) == single)
            journal.close()
        }
    }

    @Test
    func `that are staged are no part of a snapshot`() async throws {
        try await withDirectory { path in
            let journal = try open(path)
            try await makeGroup(journal)
            _ = try await journal.sequencer.submit(put("u", "s", [1, 2]))
            try await begin(journal, "first", .full)
            _ = try await add(journal, "first", [("u", "new", 5), ("v", "new", 6)])
            #expect(try await count(journal) == 2)
            _ = try await journal.sequencer.submit(.job(.activate(jobName("first"))))
            #expect(try await count(journal) == 4)
            journal.close()
        }
    }

    /// The events that a training would read.
    private func count(_ journal: Journal) async throws -> Int {
        try await withCheckedThrowingContinuation { continuation in
            journal.sequencer.perform {
                continuation.resume(
                    with: Result {
                        var count = 0
                        try journal.makeSnapshot().forEachEvent(of: GroupIndex(0)) { _, _ in
                            count += 1
                            return true
                        }
                        return count
                    }
                )
            }
        }
    }

    @Test
    func `of an INCREMENTAL import are seen chunk by chunk, each row once`() async throws {
        try await withDirectory { path in
            let journal = try open(path)
            try await makeGroup(journal)
            try await begin(journal, "more", .incremental)
            let rows = [("u", "a", 5), ("u", "b", 6), ("u", "b", 6)]
            let first = try await add(journal, "more", rows)
            // The third row says 2.5 nowhere else: row 0 alone has a value, so it repeats row 1.
            #expect((first.appliedCount, first.duplicateCount) == (2, 1))
            #expect(history(journal, "u") == ["a", "b"])
            let second = try await add(journal, "more", rows)
            #expect((second.appliedCount, second.duplicateCount) == (0, 3))
            journal.close()
        }
    }

    @Test
    func `and single ones bring the same engine back, whatever came in which order`()
        async throws
    {
        try await withDirectory { path in
            let seed = UInt64.random(in: 0 ... .max)
            var random = SeededGenerator(seed: seed)
            var number = 0
            try await reopening(path, times: 5, seed: seed) { journal in
                for _ in 0..<3 {
                    number += 1
                    try await step(journal, "job\(number)", &random)
                }
            }
        }
    }

    /// Sometimes two users become one, or something is deleted.
    private func change(_ journal: Journal, _ random: inout SeededGenerator) async throws {
        let user = "u\(Int.random(in: 0..<5, using: &random))"
        let other = "u\(Int.random(in: 0..<5, using: &random))"
        let mutation: Mutation
        switch Int.random(in: 0..<8, using: &random) {
        case 0, 1: mutation = .mergeUsers(group: shop, merged: user, kept: other)
        case 2: mutation = .delete(group: shop, .owners(.user, [user], isPartial: true))
        case 3: mutation = .delete(group: shop, .item("i\(Int.random(in: 0..<40, using: &random))"))
        default: return
        }
        do throws(Refusal) {
            _ = try await journal.sequencer.submit(mutation)
        } catch {
            #expect([.resourceNotFound, .resourceInUse].contains(error.code))
        }
    }

    /// One job among Put calls; some jobs are left as they are.
    private func step(
        _ journal: Journal,
        _ name: String,
        _ random: inout SeededGenerator
    ) async throws {
        let isFull = Bool.random(using: &random)
        let isFree = journal.engine.resources.all(.dataset).allSatisfy { resource in
            if case .dataset(let dataset) = resource { dataset.bulk.staging == 0 } else { true }
        }
        let mode: ImportMode = isFull && isFree ? .full : .incremental
        try await begin(journal, name, mode)
        for _ in 0..<4 {
            var rows: [(user: String, item: String, seconds: Int)] = []
            for _ in 0..<20 {
                let item = Int.random(in: 0..<40, using: &random)
                let seconds = Int.random(in: 0..<30, using: &random)
                rows.append(("u\(Int.random(in: 0..<5, using: &random))", "i\(item)", seconds))
            }
            _ = try await add(journal, name, rows)
            try await change(journal, &random)
            for _ in 0..<6 {
                let user = "u\(Int.random(in: 0..<5, using: &random))"
                let items = [Int.random(in: 0..<40, using: &random)]
                let session = "s\(Int.random(in: 0..<4, using: &random))"
                let isKnown = Bool.random(using: &random)
                do throws(Refusal) {
                    _ = try await journal.sequencer.submit(
                        put(isKnown ? user : "", session, items)
                    )
                } catch {
                    #expect(error.code == .resourceAlreadyExists)
                }
            }
        }
        guard mode == .full else { return }
        switch Int.random(in: 0..<3, using: &random) {
        case 0: _ = try await journal.sequencer.submit(.job(.activate(jobName(name))))
        case 1: _ = try await journal.sequencer.submit(.job(.stop(jobName(name), reason: "")))
        default: break
        }
    }
}
