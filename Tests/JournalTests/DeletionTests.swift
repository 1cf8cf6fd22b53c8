import Engine
import Foundation
import Logging
import Primitives
import Resources
import Testing

@testable import Journal

@Suite
struct `Deletions in a journal` {
    private func delete(_ deletion: Deletion) -> Mutation { .delete(group: shop, deletion) }

    @Test
    func `are the same after every restart`() async throws {
        try await withDirectory { path in
            let seed = UInt64.random(in: 0 ... .max)
            var random = SeededGenerator(seed: seed)
            try await reopening(path, times: 4, seed: seed) { journal in
                for _ in 0..<150 {
                    func any(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
                    let user = Bool.random(using: &random) ? "u\(any(5))" : ""
                    let session = "s\(any(6))"
                    let mutation: Mutation =
                        switch any(14) {
                        case 0: delete(.owners(.user, ["u\(any(5))"], isPartial: true))
                        case 1: delete(.owners(.session, ["s\(any(6))"], isPartial: true))
                        case 2: delete(.item("i\(any(60))"))
                        case 3: delete(.event("given-u\(any(5))-s\(any(6))-\(any(9) * 7)"))
                        case 4:
                            .mergeUsers(group: shop, merged: "u\(any(5))", kept: "u\(any(5))")
                        default: put(user, session, (0..<3).map { _ in any(60) })
                        }
                    do throws(Refusal) {
                        _ = try await journal.sequencer.submit(mutation)
                    } catch {
                        #expect(
                            [.resourceAlreadyExists, .resourceNotFound, .resourceInUse].contains(
                                error.code
                            )
                        )
                    }
                }
            }
        }
    }

    /// The column families that hold a text in a key or a value, however their files are packed.
    private func families(_ path: String, with text: String) throws -> [String] {
        let store = try Store(path: path, environment: nil, mode: .readOnly)
        return try ColumnFamily.allCases.filter { family in
            var isThere = false
            try unsafe store.scan(family) { key, value in
                for bytes in unsafe [Data(key), Data(value)] where !isThere {
                    isThere = bytes.range(of: Data(text.utf8)) != nil
                }
                return !isThere
            }
            return isThere
        }.map(\.rawValue)
    }

    /// The files of a directory that hold a text.
    private func files(_ path: String, with text: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).filter { name in
            let file = URL(fileURLWithPath: path).appendingPathComponent(name)
            guard let data = try? Data(contentsOf: file) else { return false }
            return data.range(of: Data(text.utf8)) != nil
        }
    }

    @Test
    func `leave no id in any file, the log and the manifest included`() async throws {
        try await withDirectory { path in
            func random() -> String {
                let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
                return String((0..<32).map { _ in letters[Int.random(in: letters.indices)] })
            }
            let users = (0..<6).map { _ in random() }
            let sessions = users.map { _ in random() }
            var journal = try open(path)
            try await makeGroup(journal)
            for (user, session) in zip(users, sessions) {
                _ = try await journal.sequencer.submit(put("", session, [1, 7]))
                _ = try await journal.sequencer.submit(put(user, session, [2, 14, 21]))
            }
            journal.close()
            // Tables of their own for what came before.
            journal = try open(path)
            for user in users {
                _ = try await journal.sequencer.submit(put(user, "", [3]).partial)
            }
            for id in users + sessions {
                #expect(try !files(path, with: id).isEmpty)
                #expect(try !families(path, with: id).isEmpty)
            }
            let gone = Array(users.prefix(5))
            _ = try await journal.sequencer.submit(
                delete(.owners(.user, gone, isPartial: false))
            )
            #expect(try journal.eraseFromDisk())
            for id in gone + sessions.prefix(5) {
                #expect(try files(path, with: id) == [], "while open")
                #expect(try families(path, with: id) == [], "while open")
            }
            for id in [users[5], sessions[5]] {
                #expect(try !files(path, with: id).isEmpty)
                #expect(try !families(path, with: id).isEmpty)
            }
            let digest = EngineDigest(journal.engine)
            journal.close()
            journal = try open(path)
            #expect(EngineDigest(journal.engine) == digest)
            #expect(try journal.lastErasures().count == 1)
            journal.close()
            for id in gone + sessions.prefix(5) { #expect(try files(path, with: id) == []) }
        }
    }
}

extension Mutation {
    /// The same events as records without a session.
    fileprivate var partial: Mutation {
        guard case .putEvents(let group, _, let events) = self else { return self }
        var batch = RecordBatch(list: .records, count: events.events.count, isPartial: true)
        batch.entries = events.events.enumerated().map { index, event in
            .init(index: index, record: .event(userID: events.userID, sessionID: "", event))
        }
        return .putRecords(group: group, tracker: nil, batch)
    }
}
