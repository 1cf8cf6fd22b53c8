import BowerbirdClient
import Formats

/// The rows of a file through one stream; every row's fate is known by its number.
final class StreamImport {
    private static let rowsPerBatch = 500

    private let importer: Importer
    private let type: DatasetType
    private let stream: RecordStream
    private var results: RecordStream.AsyncIterator
    /// The numbers of the rows of each batch that has not been answered.
    private var waiting: [[Int]] = []
    private var path = ""

    init(_ importer: Importer, _ type: DatasetType) {
        self.importer = importer
        self.type = type
        stream = importer.client.streamRecords(group: importer.group)
        results = stream.makeAsyncIterator()
    }

    func send(
        _ rows: [CSVRow],
        _ table: Table,
        _ report: inout Importer.Report
    ) async throws {
        path = table.path
        for start in stride(from: 0, to: rows.count, by: Self.rowsPerBatch) {
            var records: [StreamedRecord] = []
            var numbers: [Int] = []
            for row in rows[start..<min(start + Self.rowsPerBatch, rows.count)] {
                do throws(Importer.RowError) {
                    records.append(try importer.streamed(row, table, type))
                    numbers.append(row.number)
                } catch {
                    report.refused.append(
                        "\(table.path) row \(error.row), \(error.column): \(error.reason)"
                    )
                }
            }
            guard !records.isEmpty else { continue }
            try await stream.send(records)
            waiting.append(numbers)
            while waiting.count >= max(1, importer.inFlight) { try await takeResult(&report) }
        }
    }

    /// Waits for what is under way.
    func finish(_ report: inout Importer.Report) async throws {
        stream.finish()
        while !waiting.isEmpty { try await takeResult(&report) }
    }

    /// What the server said of a record, in the words of the file: its column, and what is wrong.
    private static func said(_ rejection: BatchResult.Rejection) -> String {
        let prefix = rejection.field + ": "
        guard !rejection.field.isEmpty, rejection.message.hasPrefix(prefix),
            let member = rejection.field.split(separator: ".").last
        else { return ": " + rejection.message }
        return ", \(member.uppercased()): \(rejection.message.dropFirst(prefix.count))"
    }

    private func takeResult(_ report: inout Importer.Report) async throws {
        guard let result = try await results.next() else {
            throw ImportCut(unanswered: waiting.reduce(0) { $0 + $1.count })
        }
        let numbers = waiting.removeFirst()
        report.appliedCount += result.appliedCount
        report.duplicateCount += result.duplicateCount
        for one in result.rejected {
            report.refused.append("\(path) row \(numbers[one.index])\(Self.said(one))")
        }
    }
}

/// The server ended the stream in order, but not all batches were answered.
struct ImportCut: Error, CustomStringConvertible {
    let unanswered: Int

    var description: String { "the server ended the stream with \(unanswered) rows unanswered" }
}
