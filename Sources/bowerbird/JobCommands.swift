import ArgumentParser
import BowerbirdClient
import Foundation

/// One file through a job of the server, followed to its end.
struct JobImport {
    let client: BowerbirdClient
    let dataset: String
    let settings: ImportSettings
    let showsProgress: Bool

    /// Sends the file, or names one that the server has, and waits.
    func run(_ path: String, isOnServer: Bool) async throws -> JobState {
        let label = "import-\(UInt64(Date().timeIntervalSince1970 * 1_000))"
        let job =
            isOnServer
            ? try await client.createImportJob(
                label,
                dataset: dataset,
                location: path,
                settings: settings
            )
            : try await send(path, label)
        say("job \(job); Ctrl-C leaves it running, 'bowerbird jobs cancel \(job)' stops it")
        return try await JobProgressLine(showsProgress).follow(job, client)
    }

    private func send(_ path: String, _ label: String) async throws -> String {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw CommandFailure(description: "'\(path)' can't be read")
        }
        defer { try? file.close() }
        let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
        let upload = try await client.uploadImport(
            label,
            dataset: dataset,
            fileName: URL(fileURLWithPath: path).lastPathComponent,
            settings: settings
        )
        var sent = 0
        while let data = try file.read(upToCount: 512 << 10), !data.isEmpty {
            do {
                try await upload.send(Array(data))
            } catch {
                // Why the server ended the call says more than that it did.
                _ = try await upload.finish()
                throw error
            }
            sent += data.count
            if showsProgress {
                JobProgressLine.show("sent \(sent * 100 / max(size, 1)) %")
            }
        }
        return try await upload.finish()
    }
}

/// Follows a job on one line of the terminal.
struct JobProgressLine {
    private let isShown: Bool

    init(_ isShown: Bool) {
        self.isShown = isShown
    }

    func follow(_ job: String, _ client: BowerbirdClient) async throws -> JobState {
        var last = JobState()
        for try await state in try await client.watchJob(job) {
            last = state
            if isShown { Self.show(Self.text(state)) }
        }
        if isShown { Self.show("") }
        last.name = job
        return last
    }

    static func text(_ state: JobState) -> String {
        "\(Int(state.share * 100)) %  \(state.rowCount) rows  \(Int(state.rowsPerSecond)) rows/s  "
            + "\(Int(state.secondsLeft.rounded(.up))) s left"
    }

    static func show(_ text: String) {
        FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
    }
}

extension JobState {
    /// Prints what came of a job; throws the code that fits.
    func report(applied: String = "applied", known: String = "known") throws {
        print(
            "\(rowCount) rows: \(appliedCount) \(applied), \(duplicateCount) \(known), "
                + "\(rejectedCount) refused; \(status)"
        )
        for row in rejectedRows.prefix(100) {
            let column = row.column.isEmpty ? "" : ", \(row.column)"
            say("\(row.file) line \(row.line)\(column): \(row.reason)")
        }
        if !isActive {
            say("error: \(failureReason.isEmpty ? "the job was stopped" : failureReason)")
            throw ExitWith.failed
        }
        if rejectedCount > 0 { throw ExitWith.someRefused }
    }
}

/// `bowerbird export`: a dataset to a file or to standard output.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes a dataset as CSV or JSON Lines."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group.") var group: String
    @Argument(help: "interactions, items or users.") var type: ImportType
    @Option(help: "Which records: bulk, put or all.") var mode = IngestionMode.all
    @Option(help: "csv or jsonl.") var format = FileFormat.csv
    @Option(help: "none, gzip or zstd.") var compression = FileCompression.none
    @Option(name: .customLong("to"), help: "The file; must not exist. Default: standard output.")
    var file: String?

    func run() async throws {
        let client = try server.client()
        let bytes = try await client.exportData(
            dataset: "\(groupName(group))/datasets/\(type.rawValue)",
            mode: mode,
            format: format,
            compression: compression
        )
        guard let file else {
            for try await piece in bytes { FileHandle.standardOutput.write(Data(piece)) }
            return client.close()
        }
        // The file has its name only when it is whole.
        let part = file + ".part"
        guard !FileManager.default.fileExists(atPath: file) else {
            throw CommandFailure(description: "'\(file)' is there already; give another name")
        }
        guard FileManager.default.createFile(atPath: part, contents: nil),
            let output = FileHandle(forWritingAtPath: part)
        else { throw CommandFailure(description: "'\(part)' can't be written") }
        do {
            for try await piece in bytes { try output.write(contentsOf: Data(piece)) }
            try output.close()
            try FileManager.default.moveItem(atPath: part, toPath: file)
        } catch {
            try? FileManager.default.removeItem(atPath: part)
            throw error
        }
        client.close()
    }
}

/// `bowerbird jobs`: what imports and exports there are, and how they go.
struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "Lists, watches and stops imports, exports and deletions.",
        subcommands: [List.self, Watch.self, Cancel.self]
    )

    /// `bowerbird jobs list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Lists the jobs of a dataset group."
        )

        @OptionGroup var server: ServerOption
        @Argument(help: "The dataset group.") var group: String

        func run() async throws {
            let client = try server.client()
            for job in try await client.jobs(group: groupName(group)) {
                print(
                    "\(job.name)\t\(job.status)\t\(job.rowCount) rows\t"
                        + "\(job.rejectedCount) refused\t\(job.failureReason)"
                )
            }
            client.close()
        }
    }

    /// `bowerbird jobs watch`.
    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "watch",
            abstract: "Follows a job to its end."
        )

        @OptionGroup var server: ServerOption
        @Argument(help: "The job's resource name.") var job: String
        @Flag(help: "No progress.") var quiet = false

        func run() async throws {
            let client = try server.client()
            let line = JobProgressLine(!quiet && isatty(2) == 1)
            let state = try await line.follow(job, client)
            client.close()
            try state.report()
        }
    }

    /// `bowerbird jobs cancel`.
    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cancel",
            abstract: "Stops a job that is waiting or running."
        )

        @OptionGroup var server: ServerOption
        @Argument(help: "The job's resource name.") var job: String

        func run() async throws {
            let client = try server.client()
            try await client.cancelJob(job)
            client.close()
            print("\(job) is being stopped")
        }
    }
}
