import Engine
import Formats
import Primitives
import Resources
import Serving

/// The rows of an import's files, chunk by chunk, with how far the job is behind each.
///
/// Confined to the jobs' thread.
struct ImportReading {
    struct Chunk {
        var records: BulkRecords
        /// Behind the chunk; without what the planner counts.
        var progress: JobProgress
        /// Those of the refused rows that the job lists.
        var listed: [RejectedRow]
    }

    let work: ImportWork
    private(set) var progress: JobProgress
    private let files: [SourceFile]
    private let limits: RecordLimits
    private var open: FileRows?
    private var reader: BulkReader?
    private var listedCount: Int
    /// Columns that an open schema would have grown, in a dry run.
    private var imagined: [SchemaField] = []

    init(
        _ work: ImportWork,
        _ files: [SourceFile],
        _ progress: JobProgress,
        _ limits: RecordLimits
    ) {
        self.limits = limits
        self.work = work
        self.files = files
        listedCount = progress.rejected.count
        self.progress = progress
        self.progress.rejected = []
    }

    /// The next rows of good and bad kind; `nil` at the end of the last file.
    mutating func next(
        schema: () throws(Refusal) -> Schema,
        grow: ([SchemaField]) throws(Refusal) -> Void,
        now: Timestamp
    ) throws(Refusal) -> Chunk? {
        while Int(progress.file) < files.count {
            let file = files[Int(progress.file)]
            let rows = try rows(of: file)
            if let block = try rows.next(rowsMax: Limits.bulkChunkRowsMax) {
                try takeColumns(rows, file, block, schema, grow)
                return chunk(block, rows, now)
            }
            // A file with a header only has columns to check, too.
            try takeColumns(rows, file, CellBlock(), schema, grow)
            open = nil
            reader = nil
            progress.file += 1
            progress.offset = 0
            progress.line = 0
        }
        return nil
    }

    private mutating func rows(of file: SourceFile) throws(Refusal) -> FileRows {
        if let open { return open }
        let rows = try FileRows(
            file,
            work.source,
            offset: progress.offset,
            line: progress.line
        )
        open = rows
        return rows
    }

    private mutating func takeColumns(
        _ rows: FileRows,
        _ file: SourceFile,
        _ block: CellBlock,
        _ schema: () throws(Refusal) -> Schema,
        _ grow: ([SchemaField]) throws(Refusal) -> Void
    ) throws(Refusal) {
        let columns = rows.rows.columns
        if columns.isEmpty && !rows.isRagged {
            throw Refusal(.invalidInput, "\(file.name): the file is empty; a header is needed")
        }
        var known = try schema()
        known.fields += imagined
        if known.isOpen {
            let unknown = BulkReader.unknownColumns(columns, known, isRagged: rows.isRagged)
            if !unknown.isEmpty {
                let new = try BulkReader.newColumns(unknown, of: columns, in: block)
                try grow(imagined + new)
                if work.isDryRun {
                    imagined += new
                    known.fields += new
                } else {
                    known = try schema()
                }
                reader = nil
            }
        }
        var reader =
            self.reader
            ?? BulkReader(
                SchemaIndex(known),
                eventType: work.eventType,
                file: file.name,
                isRagged: rows.isRagged,
                limits: limits
            )
        try reader.take(columns: columns)
        self.reader = reader
    }

    private mutating func chunk(
        _ block: CellBlock,
        _ rows: FileRows,
        _ now: Timestamp
    ) -> Chunk? {
        let count = block.rows.count + block.refused.count
        let end = (offset: block.endOffset, line: block.endLine)
        guard let checked = reader?.check(block, now: now) else { return nil }
        let room = max(0, Limits.rejectedRowsListed - listedCount)
        var next = progress
        next.byteCount += end.offset - progress.offset
        next.offset = end.offset
        next.line = end.line
        next.rowCount += UInt64(count)
        next.rejectedCount += UInt64(checked.rejected.count)
        if work.isDryRun { next.appliedCount += UInt64(checked.count) }
        next.share = (Double(progress.file) + rows.share) / Double(files.count)
        return Chunk(
            records: checked.records,
            progress: next,
            listed: Array(checked.rejected.prefix(room))
        )
    }

    /// The chunk is durable.
    mutating func stored(_ chunk: Chunk, _ outcome: MutationOutcome) {
        progress = chunk.progress
        listedCount += chunk.listed.count
        progress.appliedCount += UInt64(outcome.appliedCount)
        progress.duplicateCount += UInt64(outcome.duplicateCount)
    }
}
