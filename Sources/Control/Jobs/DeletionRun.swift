import Engine
import Formats
import Glibc
import Journal
import Logging
import Primitives
import Resources

/// One deletion of many users, from where it is to its end.
///
/// Confined to the jobs' thread.
struct DeletionRun {
    private let queue: JobQueue
    private let name: ResourceName

    init(_ queue: JobQueue, _ name: ResourceName) {
        self.queue = queue
        self.name = name
    }

    private var job: Job? {
        guard case .job(let job) = queue.journal.engine.resources[name] else { return nil }
        return job
    }

    func run() {
        guard let job, case .deleting(let source) = job.work else { return }
        do throws(Refusal) {
            switch job.header.status {
            case .createPending: _ = try queue.submit(.begin(name))
            case .createInProgress: break
            case .createStopping, .active, .createFailed, .createStopped: return finish(source)
            }
            queue.notify()
            try delete(source)
            if self.job?.header.status == .createInProgress {
                _ = try queue.submit(.end(name, .active))
                queue.logger.info("deleted", metadata: ["resource": "\(name)"])
            }
            finish(source)
        } catch {
            if queue.isEnding { return }
            _ = try? queue.submit(.stop(name, reason: error.message))
            finish(source)
        }
    }

    /// Returns early when the job is being stopped.
    private func delete(_ source: FileSource) throws(Refusal) {
        let files = try SourceFile.all(of: source)
        var progress = queue.journal.engine.jobs[name] ?? JobProgress()
        var listedCount = progress.rejected.count
        progress.rejected = []
        while Int(progress.file) < files.count {
            let file = files[Int(progress.file)]
            let rows = try FileRows(file, source, offset: progress.offset, line: progress.line)
            while let block = try rows.next(rowsMax: Limits.deletionChunkMax) {
                if queue.isEnding { throw Refusal(.unavailable, "the server is stopping") }
                guard job?.header.status == .createInProgress else { return }
                let list = try DeletionList(block, rows.rows.columns, file.name)
                progress.byteCount += block.endOffset - progress.offset
                progress.offset = block.endOffset
                progress.line = block.endLine
                progress.rowCount += UInt64(block.rows.count + block.refused.count)
                progress.rejectedCount += UInt64(list.rejected.count)
                progress.share = (Double(progress.file) + rows.share) / Double(files.count)
                let room = max(0, Limits.rejectedRowsListed - listedCount)
                let listed = Array(list.rejected.prefix(room))
                let outcome = try queue.submit(
                    .chunk(name, .deletions(list.users), progress, rejected: listed)
                )
                listedCount += listed.count
                progress.appliedCount += UInt64(outcome.appliedCount)
                progress.duplicateCount += UInt64(outcome.duplicateCount)
                queue.advanced(progress)
            }
            // A file with a header only has its columns to check, too.
            _ = try DeletionList(CellBlock(), rows.rows.columns, file.name)
            progress.file += 1
            progress.offset = 0
            progress.line = 0
        }
    }

    /// The list of ids goes with the job, if it came with it.
    private func finish(_ source: FileSource) {
        if let job, job.header.status == .createStopping {
            let status: ResourceStatus =
                job.header.failureReason.isEmpty ? .createStopped : .createFailed
            _ = try? queue.submit(.end(name, status))
        }
        if source.isUpload { _ = unsafe unlink(source.path) }
    }
}

/// The users that some rows of a file name.
///
/// What is wrong with a row is said without what stands in it: it may be somebody's id.
struct DeletionList {
    private(set) var users: [String] = []
    private(set) var rejected: [RejectedRow] = []
    private let file: String

    init(_ block: CellBlock, _ columns: [String], _ file: String) throws(Refusal) {
        self.file = file
        let places = columns.indices.filter { SchemaField.fold(columns[$0]) == "userid" }
        guard let place = places.first, places.count == 1 else {
            if columns.isEmpty { throw Refusal(.invalidInput, "\(file): names no user") }
            throw Refusal(
                .invalidInput,
                "Input \(file) needs the column USER_ID once; it has it \(places.count) times"
            )
        }
        for one in block.refused {
            reject(one.line, "byte \(one.column) of the line: \(one.reason)")
        }
        for row in block.rows {
            let cells = block.cells(of: row)
            guard place < cells.count, cells[cells.startIndex + place].count > 0 else {
                reject(row.line, "is required")
                continue
            }
            let id = block.string(cells[cells.startIndex + place])
            guard id.unicodeScalars.count <= Limits.identifierCharactersMax else {
                reject(row.line, "has more than \(Limits.identifierCharactersMax) characters")
                continue
            }
            users.append(id)
        }
        rejected.sort { $0.line < $1.line }
    }

    private mutating func reject(_ line: UInt64, _ reason: String) {
        rejected.append(RejectedRow(file: file, line: line, column: "USER_ID", reason: reason))
    }
}

/// Users whom a call names, as a file.
package enum UserList {
    /// The bytes of the file.
    package static func file(of users: [String]) -> [UInt8] {
        var text = "USER_ID\n"
        for user in users {
            text += "\"" + user.replacing("\"", with: "\"\"") + "\"\n"
        }
        return Array(text.utf8)
    }
}
