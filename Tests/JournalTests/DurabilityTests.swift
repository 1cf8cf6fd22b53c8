import Engine
import Foundation
import Journal
import Logging
import Primitives
import Resources
import Testing

@Suite
struct `A damaged data directory` {
    /// Fills a journal and closes it; the name of its newest log.
    private func fill(_ path: String, writes: Int) async throws -> URL {
        let journal = try open(path)
        try await makeGroup(journal)
        for index in 0..<writes { _ = try await journal.sequencer.submit(put("u", "s", [index])) }
        journal.close()
        return try file(path, ".log")
    }

    private func file(_ path: String, _ suffix: String) throws -> URL {
        let files = try FileManager.default.contentsOfDirectory(atPath: path)
        let name = try #require(files.filter { $0.hasSuffix(suffix) }.sorted().last)
        return URL(fileURLWithPath: path).appendingPathComponent(name)
    }

    private func failure(_ path: String) -> JournalError? {
        do throws(JournalError) {
            try open(path).close()
            return nil
        } catch {
            return error
        }
    }

    @Test
    func `is refused for any flipped byte in its log, by the log's name`() async throws {
        try await withDirectory { path in
            let log = try await fill(path, writes: 30)
            let whole = try Data(contentsOf: log)
            for place in stride(from: 0, to: whole.count, by: whole.count / 60) {
                for flip: UInt8 in [0x01, 0x10, 0x80] {
                    var damaged = whole
                    damaged[place] ^= flip
                    try damaged.write(to: log)
                    let error = failure(path)
                    try #require(error?.code == .corrupt, "byte \(place) of \(whole.count)")
                    let message = error?.message ?? ""
                    #expect(message.contains(log.lastPathComponent), "\(message)")
                    #expect(message.contains("restore a backup"))
                }
            }
            try whole.write(to: log)
            #expect(failure(path) == nil)
        }
    }

    @Test
    func `is refused for a flipped byte in a table, by the table's name`() async throws {
        try await withDirectory { path in
            _ = try await fill(path, writes: 30)
            // Opening writes what the log has to a table.
            #expect(failure(path) == nil)
            let tables = try FileManager.default.contentsOfDirectory(atPath: path)
                .filter { $0.hasSuffix(".sst") }
            var refused = 0
            for table in tables {
                let file = URL(fileURLWithPath: path).appendingPathComponent(table)
                let whole = try Data(contentsOf: file)
                var damaged = whole
                damaged[20] ^= 0x10
                try damaged.write(to: file)
                if let error = failure(path) {
                    #expect(error.code == .corrupt)
                    #expect(error.message.contains(table), "\(error)")
                    #expect(error.message.contains("restore a backup"))
                    refused += 1
                }
                try whole.write(to: file)
            }
            // All but the index of event ids, which is read when one of them comes again.
            #expect(refused == tables.count - 1)
        }
    }

    @Test
    func `opens with a torn tail and all writes before it`() async throws {
        try await withDirectory { path in
            let log = try await fill(path, writes: 5)
            let whole = try Data(contentsOf: log)
            for lost in [1, 3, 7, 20, 40] {
                let copy = path + "-\(lost)"
                defer { try? FileManager.default.removeItem(atPath: copy) }
                try FileManager.default.copyItem(atPath: path, toPath: copy)
                let torn = URL(fileURLWithPath: copy).appendingPathComponent(log.lastPathComponent)
                try whole.prefix(whole.count - lost).write(to: torn)
                let journal = try open(copy)
                #expect(journal.engine.position.rawValue == 5, "\(lost) bytes")
                journal.close()
            }
        }
    }

    @Test
    func `is refused when a later server wrote it, with the way out`() async throws {
        try await withDirectory { path in
            _ = try Journal(.directory(path), format: 3, logger: Logger(label: "test"))
            let error = failure(path)
            #expect(error?.code == .newerFormat)
            #expect(
                error?.message
                    == "the data directory '\(path)' has format 3, this server reads format 2; "
                    + "use the server that wrote it"
            )
        }
    }
}
