/// Which bulk records of a dataset are its own.
///
/// Every bulk record carries the generation that it was imported in. Readers see those of `active`
/// and all records that were put; a FULL import gathers its records under `staging` and then makes
/// that one active, in one write.
package struct BulkState: Hashable, Sendable {
    package var active: UInt32
    /// The generation of a FULL import that is under way; 0 without one.
    package var staging: UInt32
    /// The newest generation that was ever given out.
    package var last: UInt32

    package init(active: UInt32 = 1, staging: UInt32 = 0, last: UInt32 = 1) {
        self.active = active
        self.staging = staging
        self.last = last
    }
}

/// What an import does to the bulk records that are there.
package enum ImportMode: UInt8, Hashable, Sendable {
    /// Replaces them as a whole, at its end.
    case full = 1
    /// Adds to them, chunk by chunk.
    case incremental = 2
}

/// How the records of a file are written.
package enum FileForm: UInt8, Hashable, Sendable {
    /// By the name of the file.
    case automatic = 0
    case csv = 1
    case jsonLines = 2
}

/// How the bytes of a file are packed.
package enum FilePacking: UInt8, Hashable, Sendable {
    /// By the first bytes of the file; for a file that is written, by its name.
    case automatic = 0
    case none = 1
    case gzip = 2
    case zstd = 3
}

/// How a quote stands inside a quoted cell.
package enum QuoteEscape: UInt8, Hashable, Sendable {
    /// `""`, as RFC 4180 has it.
    case doubled = 1
    /// `\\"`, as Amazon Personalize has it.
    case backslash = 2
}

/// The files of a job, and how to read them.
package struct FileSource: Hashable, Sendable {
    /// A file, or a folder whose files are read in order of their names.
    package var path: String
    /// It came with the call and goes with the job.
    package var isUpload: Bool
    package var form: FileForm
    package var packing: FilePacking
    package var escape: QuoteEscape

    package init(
        path: String,
        isUpload: Bool = false,
        form: FileForm = .automatic,
        packing: FilePacking = .automatic,
        escape: QuoteEscape = .doubled
    ) {
        self.path = path
        self.isUpload = isUpload
        self.form = form
        self.packing = packing
        self.escape = escape
    }
}

extension FileSource {
    fileprivate var withoutUploadPath: FileSource {
        guard isUpload else { return self }
        var plain = self
        plain.path = shownName
        return plain
    }

    /// The client's own name of an upload's file, which is named `{random}-{name}`.
    package var shownName: String {
        let name = path.split(separator: "/").last ?? ""
        guard let dash = name.firstIndex(of: "-") else { return String(name) }
        return String(name[name.index(after: dash)...])
    }
}

/// What a `DatasetImportJob` does.
package struct ImportWork: Hashable, Sendable {
    package var dataset: DatasetKind
    package var source: FileSource
    package var mode: ImportMode
    /// The type of events whose row names none.
    package var eventType: String
    /// Rows that may be refused; one more and the job has failed.
    package var errorsMax: Int
    /// Reads and checks everything and stores nothing.
    package var isDryRun: Bool
    /// Where the records go; 0 until the job has begun.
    package var generation: UInt32
    /// A FULL import's records have become the dataset's.
    package var isSwitched: Bool

    package init(
        dataset: DatasetKind,
        source: FileSource,
        mode: ImportMode = .full,
        eventType: String,
        errorsMax: Int,
        isDryRun: Bool = false,
        generation: UInt32 = 0,
        isSwitched: Bool = false
    ) {
        self.dataset = dataset
        self.source = source
        self.mode = mode
        self.eventType = eventType
        self.errorsMax = errorsMax
        self.isDryRun = isDryRun
        self.generation = generation
        self.isSwitched = isSwitched
    }
}

/// Which records an export holds.
package enum IngestionMode: UInt8, Hashable, Sendable {
    case bulk = 1
    case put = 2
    /// Everything; of users and items the newest record of an id.
    case all = 3
}

/// What a `DatasetExportJob` does.
package struct ExportWork: Hashable, Sendable {
    package var dataset: DatasetKind
    package var mode: IngestionMode
    /// The file that is written; it must not exist.
    package var destination: String
    package var form: FileForm
    package var packing: FilePacking

    package init(
        dataset: DatasetKind,
        mode: IngestionMode,
        destination: String,
        form: FileForm = .automatic,
        packing: FilePacking = .automatic
    ) {
        self.dataset = dataset
        self.mode = mode
        self.destination = destination
        self.form = form
        self.packing = packing
    }
}

/// A job: work on many records that takes time.
package struct Job: Hashable, Sendable {
    package enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        case datasetImport = 1
        case datasetExport = 2
        case dataDeletion = 3

        /// The part of a job's name before its label.
        package var collection: String {
            switch self {
            case .datasetImport: "datasetImportJobs"
            case .datasetExport: "datasetExportJobs"
            case .dataDeletion: "dataDeletionJobs"
            }
        }

        package var resourceKind: ResourceKind {
            switch self {
            case .datasetImport: .datasetImportJob
            case .datasetExport: .datasetExportJob
            case .dataDeletion: .dataDeletionJob
            }
        }
    }

    package enum Work: Hashable, Sendable {
        case importing(ImportWork)
        case exporting(ExportWork)
        /// Deletes the users whose ids the files list.
        case deleting(FileSource)

        /// The files that it reads; `nil` for an export.
        package var source: FileSource? {
            switch self {
            case .importing(let work): work.source
            case .deleting(let source): source
            case .exporting: nil
            }
        }
    }

    package var header: ResourceHeader
    package var group: ResourceName
    package var work: Work

    package init(header: ResourceHeader, group: ResourceName, work: Work) {
        self.header = header
        self.group = group
        self.work = work
    }

    /// The same for the same call: an upload's file has a name of chance before the client's.
    package var withoutUploadPath: Job {
        var plain = self
        switch work {
        case .importing(var work):
            work.source = work.source.withoutUploadPath
            plain.work = .importing(work)
        case .deleting(let source): plain.work = .deleting(source.withoutUploadPath)
        case .exporting: break
        }
        return plain
    }

    package var kind: Kind {
        switch work {
        case .importing: .datasetImport
        case .exporting: .datasetExport
        case .deleting: .dataDeletion
        }
    }
}

/// Why one row of a file was not taken.
package struct RejectedRow: Hashable, Sendable {
    package var file: String
    /// Counted from 1, the header being a line.
    package var line: UInt64
    /// The column's name, or empty when it is about the row.
    package var column: String
    package var reason: String

    package init(file: String, line: UInt64, column: String, reason: String) {
        self.file = file
        self.line = line
        self.column = column
        self.reason = reason
    }
}

/// How far a job is; a restart goes on from there.
package struct JobProgress: Hashable, Sendable {
    /// The file that is read, by its place among the job's files.
    package var file: UInt32 = 0
    /// Bytes of that file, unpacked, whose rows are done.
    package var offset: UInt64 = 0
    /// The lines before `offset`.
    package var line: UInt64 = 0
    package var rowCount: UInt64 = 0
    package var appliedCount: UInt64 = 0
    package var duplicateCount: UInt64 = 0
    package var rejectedCount: UInt64 = 0
    /// Unpacked bytes of all files so far.
    package var byteCount: UInt64 = 0
    /// How much of the work is done, 0 to 1.
    package var share: Double = 0
    /// Of the write that this was told by, in the log.
    package var position: UInt64 = 0
    /// The first `Limits.rejectedRowsListed` of the rejected rows.
    package var rejected: [RejectedRow] = []

    package init() {}
}
