import Engine
import Formats
import Glibc
import Journal
import Logging
package import Primitives
package import Resources

/// The bytes of a dataset as a file, from one snapshot.
///
/// Confined to one thread.
package struct DatasetExport {
    /// What the export has seen.
    package let position: LogPosition
    private let rows: ExportRows
    private let sink: any RowSink
    private let packer: Packer

    init(
        snapshot: RecordSnapshot,
        group: GroupIndex,
        schema: Schema,
        mode: IngestionMode,
        form: FileForm,
        packing: Packing
    ) {
        position = snapshot.position
        rows = ExportRows(snapshot, group, schema, mode)
        sink = form == .jsonLines ? JSONLinesWriter() : CSVWriter()
        packer = Packer(packing)
    }

    /// Calls `body` with the next bytes and the rows so far, until the end; false stops.
    ///
    /// - Returns: Whether all of it was written.
    package func write(
        _ body: ([UInt8], _ rowCount: UInt64) throws(Refusal) -> Bool
    ) throws(Refusal) -> Bool {
        var bytes: [UInt8] = []
        var count: UInt64 = 0
        var isStopped = false
        sink.start(rows.columns, into: &bytes)
        try rows.forEach { (row) throws(Refusal) in
            sink.write(rows.columns, row, into: &bytes)
            count += 1
            guard bytes.count >= Limits.filePieceBytes else { return true }
            let packed = packer.pack(bytes, isEnd: false)
            bytes.removeAll(keepingCapacity: true)
            if packed.isEmpty { return true }
            isStopped = try !body(packed, count)
            return !isStopped
        }
        if isStopped { return false }
        return try body(packer.pack(bytes, isEnd: true), count)
    }
}

extension JobQueue {
    /// What exports a dataset as it is now.
    func makeExport(
        _ groupName: ResourceName,
        _ kind: DatasetKind,
        _ mode: IngestionMode,
        _ form: FileForm,
        _ packing: Packing
    ) throws(Refusal) -> DatasetExport {
        let journal = self.journal
        let (snapshot, group, schema) = try onWriter { () throws(Refusal) in
            guard case .datasetGroup(let group) = journal.engine.resources[groupName],
                let schema = journal.engine.schema(of: groupName, kind)
            else {
                throw .missing(groupName.child("datasets", kind.collectionLabel), "dataset")
            }
            return (try journal.makeSnapshot(), group.index, schema)
        }
        return DatasetExport(
            snapshot: snapshot,
            group: group,
            schema: schema,
            mode: mode,
            form: form,
            packing: packing
        )
    }
}

/// One export to a file; begins anew after a restart.
///
/// The file has its name only when it is whole. Confined to the jobs' thread.
struct ExportRun {
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
        guard let job, case .exporting(let work) = job.work else { return }
        let part = work.destination + ".part-" + job.header.name
        _ = unsafe unlink(part)
        do throws(Refusal) {
            switch job.header.status {
            case .createPending: _ = try queue.submit(.begin(name))
            case .createInProgress: break
            case .createStopping, .active, .createFailed, .createStopped: return finish(part)
            }
            queue.notify()
            guard try write(job, work, to: part) else { return finish(part) }
            // Never over a file that is there.
            guard unsafe link(part, work.destination) == 0 else {
                throw Refusal(
                    .invalidInput,
                    "'\(work.destination)' can't be made: \(SystemMessage.last)"
                )
            }
            _ = unsafe unlink(part)
            _ = try queue.submit(.end(name, .active))
            queue.logger.info("exported", metadata: ["resource": "\(name)"])
        } catch {
            if queue.isEnding { return }
            _ = try? queue.submit(.stop(name, reason: error.message))
            finish(part)
        }
    }

    /// False when it was stopped.
    private func write(_ job: Job, _ work: ExportWork, to path: String) throws(Refusal) -> Bool {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            throw Refusal(.invalidInput, "'\(path)' can't be made: \(SystemMessage.last)")
        }
        defer { close(descriptor) }
        let export = try queue.makeExport(
            job.group,
            work.dataset,
            work.mode,
            FileRows.form(work.form, path: work.destination),
            work.packing.chosen(for: work.destination)
        )
        var progress = JobProgress()
        let isWhole = try export.write { (bytes, count) throws(Refusal) in
            if queue.isEnding { throw Refusal(.unavailable, "the server is stopping") }
            if self.job?.header.status != .createInProgress { return false }
            try FileOutput.write(bytes, to: descriptor)
            progress.rowCount = count
            progress.appliedCount = count
            progress.byteCount += UInt64(bytes.count)
            queue.advanced(progress)
            return true
        }
        guard isWhole else { return false }
        guard fsync(descriptor) == 0 else {
            throw Refusal(.invalidInput, "'\(path)' can't be written: \(SystemMessage.last)")
        }
        progress.share = 1
        _ = try queue.submit(.chunk(name, nil, progress, rejected: []))
        return true
    }

    private func finish(_ part: String) {
        _ = unsafe unlink(part)
        guard let job, job.header.status == .createStopping else { return }
        let status: ResourceStatus =
            job.header.failureReason.isEmpty ? .createStopped : .createFailed
        _ = try? queue.submit(.end(name, status))
    }
}

/// Writes whole pieces.
enum FileOutput {
    static func write(_ bytes: [UInt8], to descriptor: Int32) throws(Refusal) {
        var offset = 0
        while offset < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(
                    descriptor,
                    buffer.baseAddress.map { unsafe $0 + offset },
                    buffer.count - offset
                )
            }
            guard count > 0 else {
                throw Refusal(.invalidInput, "the file can't be written: \(SystemMessage.last)")
            }
            offset += count
        }
    }
}

extension FilePacking {
    /// How a file of this name is to be packed.
    func chosen(for path: String) -> Packing {
        guard self == .automatic else { return formats }
        if path.hasSuffix(".gz") { return .gzip }
        return path.hasSuffix(".zst") ? .zstd : .none
    }
}
