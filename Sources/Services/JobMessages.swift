import Control
import Primitives
import Resources
import Wire

extension DatasetImportJobBuilder: ResourceBuilder {}
extension DatasetExportJobBuilder: ResourceBuilder {}
extension DataDeletionJobBuilder: ResourceBuilder {}

/// Reads and writes jobs as messages.
struct JobMessages: Sendable {
    let control: ControlPlane

    func write(_ resource: Resource, _ message: DatasetImportJobBuilder) {
        guard case .job(let job) = resource, case .importing(let work) = job.work else { return }
        message.header(resource)
        message.dataset(job.group.child("datasets", work.dataset.collectionLabel).text)
        if !work.source.isUpload {
            message.dataSource { $0.dataLocation(work.source.path) }
        }
        message.importMode(work.mode == .full ? .full : .incremental)
        message.format(work.source.form.wire)
        message.compression(work.source.packing.wire)
        message.csvEscape(work.source.escape == .doubled ? .doubled : .backslash)
        message.maxErrors(UInt64(work.errorsMax))
        message.dryRun(work.isDryRun)
        message.eventType(work.eventType)
        message.progress { write(resource, $0, listsRows: true) }
    }

    func write(_ resource: Resource, _ message: DatasetExportJobBuilder) {
        guard case .job(let job) = resource, case .exporting(let work) = job.work else { return }
        message.header(resource)
        message.dataset(job.group.child("datasets", work.dataset.collectionLabel).text)
        message.ingestionMode(work.mode.wire)
        message.jobOutput { $0.path(work.destination) }
        message.format(work.form.wire)
        message.compression(work.packing.wire)
        message.progress { write(resource, $0, listsRows: false) }
    }

    func write(_ resource: Resource, _ message: DataDeletionJobBuilder) {
        guard case .job(let job) = resource, case .deleting(let source) = job.work else { return }
        message.header(resource)
        message.datasetGroup(job.group.text)
        if !source.isUpload { message.dataSource { $0.dataLocation(source.path) } }
        message.format(source.form.wire)
        message.compression(source.packing.wire)
        message.csvEscape(source.escape == .doubled ? .doubled : .backslash)
        message.numDeleted(control.progress(of: resource.resourceName).appliedCount)
        message.progress { write(resource, $0, listsRows: true) }
    }

    /// How far a job is.
    func write(_ job: Resource, _ message: JobProgressBuilder, listsRows: Bool) {
        let name = job.resourceName
        let progress = control.progress(of: name)
        let rate = control.jobs.rate(of: name)
        message.rowCount(progress.rowCount)
        message.appliedCount(progress.appliedCount)
        message.duplicateCount(progress.duplicateCount)
        message.rejectedCount(progress.rejectedCount)
        message.byteCount(progress.byteCount)
        message.share(job.header.status == .active ? 1 : progress.share)
        message.rowsPerSecond(rate.rowsPerSecond)
        message.secondsLeft(rate.secondsLeft)
        message.position(progress.position)
        guard listsRows else { return }
        for row in progress.rejected {
            message.rejectedRows { one in
                one.file(row.file)
                one.line(row.line)
                one.column(row.column)
                one.reason(row.reason)
            }
        }
    }

    // MARK: Reading

    static func importDraft(
        _ request: borrowing CreateDatasetImportJobRequestView
    ) throws(Refusal) -> JobDrafts.Import {
        var draft = JobDrafts.Import()
        draft.name = request.jobName.string
        draft.dataset = request.dataset.string
        if request.hasDataSource { draft.location = request.dataSource.dataLocation.string }
        switch request.importMode {
        case .unspecified, .full: draft.mode = .full
        case .incremental: draft.mode = .incremental
        default:
            throw .invalid(
                "import_mode",
                "is \(request.importMode.rawValue); FULL (1) and INCREMENTAL (2) are allowed"
            )
        }
        draft.form = try form(request.format)
        draft.packing = try packing(request.compression)
        draft.escape = try escape(request.csvEscape)
        draft.errorsMax = request.hasMaxErrors ? request.maxErrors : nil
        draft.isDryRun = request.dryRun
        draft.eventType = request.eventType.string
        return draft
    }

    static func deletionDraft(
        _ request: borrowing CreateDataDeletionJobRequestView
    ) throws(Refusal) -> JobDrafts.Deletion {
        var draft = JobDrafts.Deletion()
        draft.name = request.jobName.string
        draft.group = request.datasetGroup.string
        if request.hasDataSource { draft.location = request.dataSource.dataLocation.string }
        draft.form = try form(request.format)
        draft.packing = try packing(request.compression)
        draft.escape = try escape(request.csvEscape)
        return draft
    }

    /// The users that a call names itself.
    static func users(
        _ request: borrowing CreateDataDeletionJobRequestView
    ) throws(Refusal) -> [String] {
        let count = request.userIDsCount
        guard count <= Limits.deletionIDsMax else {
            throw .invalid(
                "user_ids",
                "has \(count) elements; at most 10,000 are allowed; give a file of them"
            )
        }
        var users: [String] = []
        for index in 0..<count {
            let id = request.userIDs(index).string
            guard (1...Limits.identifierCharactersMax).contains(id.unicodeScalars.count) else {
                throw .invalid(
                    "user_ids[\(index)]",
                    "has \(id.unicodeScalars.count) characters; 1 to 256 are allowed"
                )
            }
            users.append(id)
        }
        if !users.isEmpty, request.hasDataSource {
            throw .invalid("data_source", "is not allowed beside user_ids")
        }
        return users
    }

    static func escape(_ value: CsvEscapeValue) throws(Refusal) -> QuoteEscape {
        switch value {
        case .unspecified, .doubled: .doubled
        case .backslash: .backslash
        default:
            throw .invalid(
                "csv_escape",
                "is \(value.rawValue); DOUBLED (1) and BACKSLASH (2) are allowed"
            )
        }
    }

    static func exportDraft(
        _ request: borrowing CreateDatasetExportJobRequestView
    ) throws(Refusal) -> JobDrafts.Export {
        var draft = JobDrafts.Export()
        draft.name = request.jobName.string
        draft.dataset = request.dataset.string
        if request.hasJobOutput { draft.path = request.jobOutput.path.string }
        draft.mode = try mode(request.ingestionMode)
        draft.form = try form(request.format)
        draft.packing = try packing(request.compression)
        return draft
    }

    static func mode(_ value: IngestionModeValue) throws(Refusal) -> IngestionMode {
        switch value {
        case .unspecified, .put: .put
        case .bulk: .bulk
        case .all: .all
        default:
            throw .invalid(
                "ingestion_mode",
                "is \(value.rawValue); BULK (1), PUT (2) and ALL (3) are allowed"
            )
        }
    }

    static func form(_ value: FileFormatValue) throws(Refusal) -> FileForm {
        switch value {
        case .unspecified: .automatic
        case .csv: .csv
        case .jsonLines: .jsonLines
        default:
            throw .invalid(
                "format",
                "is \(value.rawValue); CSV (1) and JSON_LINES (2) are allowed"
            )
        }
    }

    static func packing(_ value: CompressionValue) throws(Refusal) -> FilePacking {
        switch value {
        case .unspecified: .automatic
        case .none: .none
        case .gzip: .gzip
        case .zstd: .zstd
        default:
            throw .invalid(
                "compression",
                "is \(value.rawValue); NONE (1), GZIP (2) and ZSTD (3) are allowed"
            )
        }
    }
}

extension IngestionMode {
    fileprivate var wire: IngestionModeValue {
        switch self {
        case .bulk: .bulk
        case .put: .put
        case .all: .all
        }
    }
}

extension FileForm {
    fileprivate var wire: FileFormatValue {
        switch self {
        case .automatic: .unspecified
        case .csv: .csv
        case .jsonLines: .jsonLines
        }
    }
}

extension FilePacking {
    fileprivate var wire: CompressionValue {
        switch self {
        case .automatic: .unspecified
        case .none: .none
        case .gzip: .gzip
        case .zstd: .zstd
        }
    }
}
