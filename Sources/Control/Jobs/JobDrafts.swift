import Engine
import Primitives
package import Resources

/// What a call that creates a job says, checked field by field, as a job that is ready for the
/// planner.
package struct JobDrafts: Sendable {
    private let now: Timestamp
    private let settings: JobSettings

    init(now: Timestamp, settings: JobSettings) {
        self.now = now
        self.settings = settings
    }

    /// An import as a message says it.
    package struct Import: Sendable {
        package var name = ""
        package var dataset = ""
        package var location = ""
        package var mode = ImportMode.full
        package var form = FileForm.automatic
        package var packing = FilePacking.automatic
        package var escape = QuoteEscape.doubled
        package var errorsMax: UInt64?
        package var isDryRun = false
        package var eventType = ""

        package init() {}
    }

    /// An export as a message says it.
    package struct Export: Sendable {
        package var name = ""
        package var dataset = ""
        package var path = ""
        package var mode = IngestionMode.put
        package var form = FileForm.automatic
        package var packing = FilePacking.automatic

        package init() {}
    }

    /// A deletion of users as a message says it.
    package struct Deletion: Sendable {
        package var name = ""
        package var group = ""
        package var location = ""
        package var form = FileForm.automatic
        package var packing = FilePacking.automatic
        package var escape = QuoteEscape.doubled

        package init() {}
    }

    /// A deletion of the users that a file of the server lists, or `upload`, which holds those that
    /// came with the call.
    package func deletionJob(_ given: Deletion, upload: String? = nil) throws(Refusal) -> Resource {
        let header = try header(given.name)
        let group = try ResourceName(
            parsing: given.group,
            as: .datasetGroup,
            field: "dataset_group"
        )
        let field = "data_source.data_location"
        var source = FileSource(path: upload ?? "", isUpload: true, form: .csv)
        if upload == nil {
            guard !given.location.isEmpty else {
                throw .invalid(field, "is required; or give user_ids")
            }
            source = FileSource(
                path: try settings.importRoots.existing(given.location, field: field),
                form: given.form,
                packing: given.packing,
                escape: given.escape
            )
        }
        return .job(Job(header: header, group: group, work: .deleting(source)))
    }

    /// An import of `upload`, the file that came with the call; of the server's own file without.
    package func importJob(_ given: Import, upload: String? = nil) throws(Refusal) -> Resource {
        let header = try header(given.name)
        let (group, kind) = try Self.dataset(given.dataset)
        let bound = UInt64(Limits.importErrorsMax)
        guard given.errorsMax ?? 0 <= bound else {
            throw .invalid("max_errors", "is \(given.errorsMax ?? 0); 0 to 1,000,000 are allowed")
        }
        guard given.eventType.unicodeScalars.count <= Limits.identifierCharactersMax else {
            throw .invalid("event_type", "has more than 256 characters")
        }
        let field = "data_source.data_location"
        let path: String
        if let upload {
            path = upload
        } else {
            guard !given.location.isEmpty else {
                throw .invalid(field, "is required; an absolute path of the server")
            }
            path = try settings.importRoots.existing(given.location, field: field)
        }
        let source = FileSource(
            path: path,
            isUpload: upload != nil,
            form: given.form,
            packing: given.packing,
            escape: given.escape
        )
        let work = ImportWork(
            dataset: kind,
            source: source,
            mode: given.mode,
            eventType: given.eventType.isEmpty ? "interaction" : given.eventType,
            errorsMax: Int(given.errorsMax ?? UInt64(Limits.importErrorsDefault)),
            isDryRun: given.isDryRun
        )
        return .job(Job(header: header, group: group, work: .importing(work)))
    }

    package func exportJob(_ given: Export) throws(Refusal) -> Resource {
        let header = try header(given.name)
        let (group, kind) = try Self.dataset(given.dataset)
        guard !given.path.isEmpty else {
            throw .invalid("job_output.path", "is required; an absolute path of the server")
        }
        let path = try settings.exportRoots.new(given.path, field: "job_output.path")
        let work = ExportWork(
            dataset: kind,
            mode: given.mode,
            destination: path,
            form: given.form,
            packing: given.packing
        )
        return .job(Job(header: header, group: group, work: .exporting(work)))
    }

    private func header(_ name: String) throws(Refusal) -> ResourceHeader {
        var header = try ResourceDrafts(now: now).header(name, field: "job_name")
        header.status = .createPending
        return header
    }

    /// The group and kind of a dataset's name.
    package static func dataset(
        _ text: String
    ) throws(Refusal) -> (group: ResourceName, kind: DatasetKind) {
        let name = try ResourceName(parsing: text, as: .dataset, field: "dataset")
        guard let group = name.parent,
            let kind = DatasetKind.allCases.first(where: { $0.collectionLabel == name.label })
        else { throw .missing(name, "dataset") }
        return (group, kind)
    }
}

/// Where jobs may read and write files.
package struct JobSettings: Sendable {
    package var importRoots: FileRoots
    package var exportRoots: FileRoots
    /// The folder of files that clients send.
    package var uploads: String

    package init(importRoots: FileRoots, exportRoots: FileRoots, uploads: String) {
        self.importRoots = importRoots
        self.exportRoots = exportRoots
        self.uploads = uploads
    }
}
