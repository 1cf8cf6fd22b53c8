import ArgumentParser
import BowerbirdClient
import Formats
import Foundation

/// `bowerbird import`: a CSV file through one stream of batches, or through Put calls.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Imports a CSV file through a stream of batches, or through Put calls.",
        discussion:
            "Rows that are refused are listed by number; the rest is imported (exit code 4)."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group.") var group: String
    @Argument(help: "interactions, items or users.") var type: ImportType
    @Argument(help: "The CSV file.") var file: String
    @Option(help: "The event type of rows that have none.") var eventType = "interaction"
    @Option(help: "Batches or calls in flight.") var inFlight = 32
    @Option(help: "Through Put calls of at most so many rows, in place of the stream.")
    var rowsPerCall: Int?
    @Option(
        help: "As a job of the server: full (takes the place of older bulk records) or incremental."
    )
    var job: ImportMode?
    @Flag(help: "The job reads a file of the server, below its --import-root.")
    var onServer = false
    @Flag(help: "The job only reads and checks.")
    var dryRun = false
    @Flag(help: "In the job's file a quote inside quotes is written with a backslash.")
    var backslash = false
    @Option(help: "Rows that the job may refuse before it has failed.")
    var maxErrors: Int?
    @Flag(help: "No progress.") var quiet = false

    func validate() throws {
        guard job == nil, onServer || dryRun || backslash || maxErrors != nil else { return }
        throw ValidationError(
            "--on-server, --dry-run, --backslash and --max-errors need --job full or incremental"
        )
    }

    func run() async throws {
        let client = try server.client()
        if let job { return try await run(job, client) }
        let report = try await Importer(
            client: client,
            group: groupName(group),
            eventType: eventType,
            inFlight: inFlight,
            showsProgress: !quiet && isatty(2) == 1,
            rowsPerCall: rowsPerCall
        ).run(type.dataset, file)
        print(report.summary)
        client.close()
        if !report.refused.isEmpty {
            for line in report.refused.prefix(100) { say(line) }
            throw ExitWith.someRefused
        }
    }

    private func run(_ mode: ImportMode, _ client: BowerbirdClient) async throws {
        let work = JobImport(
            client: client,
            dataset: "\(groupName(group))/datasets/\(type.rawValue)",
            settings: ImportSettings(
                mode: mode,
                escapesByBackslash: backslash,
                errorsMax: maxErrors,
                isDryRun: dryRun,
                eventType: eventType
            ),
            showsProgress: !quiet && isatty(2) == 1
        )
        let state = try await work.run(file, isOnServer: onServer)
        client.close()
        try state.report()
    }
}

/// What can be imported.
enum ImportType: String, ExpressibleByArgument, CaseIterable {
    case interactions, items, users

    var dataset: DatasetType {
        switch self {
        case .interactions: .interactions
        case .items: .items
        case .users: .users
        }
    }
}

/// Sends the rows of a file in batches.
struct Importer: Sendable {
    /// What became of a file.
    struct Report: Sendable {
        var rowCount = 0
        var appliedCount = 0
        var duplicateCount = 0
        var refused: [String] = []
        var seconds = 0.0

        var summary: String {
            let rate = seconds > 0 ? Int(Double(rowCount) / seconds) : rowCount
            return "\(rowCount) rows: \(appliedCount) applied, \(duplicateCount) known, "
                + "\(refused.count) refused; \(String(format: "%.1f", seconds)) s, \(rate) rows/s"
        }
    }

    let client: BowerbirdClient
    let group: String
    let eventType: String
    let inFlight: Int
    let showsProgress: Bool
    /// `nil`: one stream of batches.
    var rowsPerCall: Int?

    func run(_ type: DatasetType, _ path: String) async throws -> Report {
        let started = ContinuousClock.now
        let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
        var report = Report()
        var bytesRead = 0
        let stream = rowsPerCall == nil ? StreamImport(self, type) : nil
        try await Table.read(path, reserved: type.reserved) { table, rows in
            if let stream {
                try await stream.send(rows, table, &report)
            } else {
                try await put(rows, table, type, &report)
            }
            report.rowCount += rows.count
            bytesRead += rows.reduce(0) { $0 + $1.cells.reduce(0) { $0 + $1.utf8.count + 1 } }
            report.seconds = Self.seconds(since: started)
            if showsProgress { progress(report, Double(bytesRead) / Double(max(size, 1))) }
        }
        try await stream?.finish(&report)
        if showsProgress { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
        report.seconds = Self.seconds(since: started)
        return report
    }

    /// Through Put calls, many in flight.
    private func put(
        _ rows: [CSVRow],
        _ table: Table,
        _ type: DatasetType,
        _ report: inout Report
    ) async throws {
        var next = batches(rows, table, type).makeIterator()
        try await withThrowingTaskGroup(of: Report.self) { tasks in
            for _ in 0..<max(1, inFlight) {
                guard let batch = next.next() else { break }
                tasks.addTask { try await send(batch, table, type) }
            }
            for try await part in tasks {
                report.appliedCount += part.appliedCount
                report.duplicateCount += part.duplicateCount
                report.refused += part.refused
                if let batch = next.next() {
                    tasks.addTask { try await send(batch, table, type) }
                }
            }
        }
    }

    private static func seconds(since start: ContinuousClock.Instant) -> Double {
        let elapsed = ContinuousClock.now - start
        return Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    }

    private func progress(_ report: Report, _ share: Double) {
        let left = share > 0 ? report.seconds / share * (1 - share) : 0
        let rate = Int(Double(report.rowCount) / max(report.seconds, 0.001))
        let line =
            "\r\u{1B}[K\(Int(min(share, 1) * 100)) %  \(report.rowCount) rows  \(rate) rows/s  "
            + "\(Int(left.rounded(.up))) s left"
        FileHandle.standardError.write(Data(line.utf8))
    }

    /// Batches of one user's rows for events, of any rows for the rest.
    private func batches(
        _ rows: [CSVRow],
        _ table: Table,
        _ type: DatasetType
    ) -> [[CSVRow]] {
        let user = type == .interactions ? table.index("USER_ID") : nil
        var batches: [[CSVRow]] = []
        var current: [CSVRow] = []
        func cell(_ row: CSVRow) -> String? {
            user.flatMap { $0 < row.cells.count ? row.cells[$0] : nil }
        }
        for row in rows {
            let isFull = current.count == rowsPerCall ?? 1
            if isFull || (user != nil && current.first.map { cell($0) != cell(row) } ?? false) {
                batches.append(current)
                current = []
            }
            current.append(row)
        }
        if !current.isEmpty { batches.append(current) }
        return batches
    }

    /// One call; when it is refused, its rows one by one, so that only the bad ones are left out.
    private func send(
        _ rows: [CSVRow],
        _ table: Table,
        _ type: DatasetType
    ) async throws -> Report {
        var report = Report()
        do {
            let result = try await put(rows, table, type)
            report.appliedCount = result.appliedCount
            report.duplicateCount = result.duplicateCount
        } catch let error as ClientError where error.code == "INVALID_ARGUMENT" {
            guard rows.count > 1 else {
                report.refused = ["\(table.path) row \(rows[0].number): \(error.message)"]
                return report
            }
            for row in rows {
                let part = try await send([row], table, type)
                report.appliedCount += part.appliedCount
                report.duplicateCount += part.duplicateCount
                report.refused += part.refused
            }
        } catch let error as RowError {
            guard rows.count > 1 else {
                report.refused = [
                    "\(table.path) row \(error.row), \(error.column): \(error.reason)"
                ]
                return report
            }
            for row in rows {
                let part = try await send([row], table, type)
                report.appliedCount += part.appliedCount
                report.refused += part.refused
            }
        }
        return report
    }

    /// A cell that can't be sent.
    struct RowError: Error {
        let row: Int
        let column: String
        let reason: String
    }

    private func put(
        _ rows: [CSVRow],
        _ table: Table,
        _ type: DatasetType
    ) async throws -> WriteResult {
        guard type == .interactions else {
            let records = rows.map { record($0, table, type) }
            return type == .items
                ? try await client.putItems(records, group: group)
                : try await client.putUsers(records, group: group)
        }
        let events = try rows.map { try event($0, table, type) }
        let user = table.cell(rows[0], "USER_ID")
        return try await client.putEvents(
            events,
            userID: user,
            sessionID: "import-\(user.prefix(200))",
            group: group
        )
    }

    // MARK: Rows

    private func record(_ row: CSVRow, _ table: Table, _ type: DatasetType) -> Record {
        let id = type == .items ? "ITEM_ID" : "USER_ID"
        return Record(
            id: table.cell(row, id),
            properties: table.properties(row, without: type.reserved)
        )
    }

    private func event(
        _ row: CSVRow,
        _ table: Table,
        _ type: DatasetType
    ) throws(RowError) -> Event {
        let time = table.cell(row, "TIMESTAMP")
        guard let seconds = Double(time), seconds.magnitude < 1e12 else {
            throw RowError(
                row: row.number,
                column: "TIMESTAMP",
                reason: "'\(time)' is no number of seconds"
            )
        }
        let given = table.cell(row, "EVENT_TYPE")
        return Event(
            type: given.isEmpty ? eventType : given,
            itemID: table.cell(row, "ITEM_ID"),
            sentAtMS: Int64(seconds * 1_000),
            value: Double(table.cell(row, "EVENT_VALUE")),
            properties: table.properties(row, without: type.reserved)
        )
    }

    /// A row as a record of a stream.
    func streamed(
        _ row: CSVRow,
        _ table: Table,
        _ type: DatasetType
    ) throws(RowError) -> StreamedRecord {
        switch type {
        case .items: .item(record(row, table, type))
        case .users: .user(record(row, table, type))
        case .interactions:
            .interaction(
                userID: table.cell(row, "USER_ID"),
                sessionID: "",
                try event(row, table, type)
            )
        }
    }
}
