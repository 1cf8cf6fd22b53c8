import Control
import Engine
import Primitives
import RPC
import Resources
import Wire

/// One `WatchJob` call: an answer with every change of the job, until it is over.
///
/// Confined to the call's loop.
final class JobWatch: StreamingCallHandler {
    private let call: ServerCall
    private let service: JobsService
    private var name: ResourceName?
    private var token: UInt64?
    private var lastTold: JobProgress?
    private var lastStatus: ResourceStatus?

    init(_ message: RawSpan, _ call: ServerCall, service: JobsService) {
        self.call = call
        self.service = service
        do {
            let arena = Arena()
            let text = try WatchJobRequestView(unpacking: message, into: arena).job.string
            let job = try service.control.describe(text, Self.kind(text))
            name = job.resourceName
        } catch {
            call.fail(StatusMapping.status(of: error))
            return
        }
        let handle = call.handle
        // SAFETY: the watch is touched in work that the call's own loop runs, and nowhere else.
        nonisolated(unsafe) let watch = self
        token = service.control.jobs.watch {
            handle.complete { _ in unsafe watch.tell() }
        }
        tell()
    }

    private static func kind(_ text: String) -> ResourceKind {
        let kind = Job.Kind.allCases.first { text.contains("/\($0.collection)/") }
        return kind?.resourceKind ?? .datasetImportJob
    }

    private func tell() {
        guard !call.isCancelled, call.canWrite, let name else { return }
        guard let job = try? service.control.describe(name.text, Self.kind(name.text)) else {
            stop()
            return call.fail(StatusMapping.status(Refusal.missing(name, "job")))
        }
        let isOver =
            switch job.header.status {
            case .active, .createFailed, .createStopped: true
            case .createPending, .createInProgress, .createStopping: false
            }
        let progress = service.control.progress(of: name)
        if !isOver && progress == lastTold && job.header.status == lastStatus { return }
        lastTold = progress
        lastStatus = job.header.status
        call.respond { writer in
            let response = WatchJobResponseBuilder(into: writer)
            response.status(job.header.status.wire(of: job.kind))
            response.failureReason(job.header.failureReason)
            response.progress { service.messages.write(job, $0, listsRows: isOver) }
        }
        if isOver {
            stop()
            call.finish()
        }
    }

    func writable() { tell() }

    func cancelled() { stop() }

    private func stop() {
        if let token { service.control.jobs.unwatch(token) }
        token = nil
    }
}

/// One `ImportData` call: a file on its way to a job.
///
/// Confined to the call's loop.
final class UploadCall: StreamingCallHandler {
    private let call: ServerCall
    private let service: JobsService
    private var draft: JobDrafts.Import?
    private var requestID = ""
    private var upload: Upload?
    private var waitingBytes = 0
    private var isHandedOver = false

    init(_ call: ServerCall, service: JobsService) {
        self.call = call
        self.service = service
    }

    func received(message: RawSpan) {
        guard !call.isCancelled else { return }
        do {
            let arena = Arena()
            let request = try ImportDataRequestView(unpacking: message, into: arena)
            if request.hasJob {
                guard draft == nil else {
                    throw Refusal.invalid("job", "stands in the first message only")
                }
                try begin(request.job)
            }
            guard upload != nil else {
                throw Refusal.invalid("job", "is required in the first message")
            }
            if !request.data.isEmpty {
                add(unsafe request.data.bytes.withUnsafeBytes { unsafe Array($0) })
            }
        } catch {
            fail(StatusMapping.status(of: error))
        }
    }

    private func begin(_ request: borrowing CreateDatasetImportJobRequestView) throws(Refusal) {
        let draft: JobDrafts.Import
        let job: Resource
        // Whatever can be refused is refused before the file comes.
        do throws(Refusal) {
            draft = try Self.draft(request)
            job = try service.control.jobDrafts.importJob(draft, upload: "/")
        } catch {
            throw error.inside("job")
        }
        requestID = request.requestID.string
        guard let owner = job.owner,
            (try? service.control.describe(owner.text, .datasetGroup)) != nil
        else { throw Refusal.missing(ResourceName(unchecked: draft.dataset), "dataset") }
        self.draft = draft
        upload = try Upload(
            in: service.control.jobSettings.uploads,
            name: draft.location.isEmpty ? "upload" : draft.location
        )
    }

    private static func draft(
        _ request: borrowing CreateDatasetImportJobRequestView
    ) throws(Refusal) -> JobDrafts.Import {
        var draft = try JobMessages.importDraft(request)
        if draft.form == .automatic, draft.location.isEmpty { draft.form = .csv }
        return draft
    }

    private func add(_ bytes: [UInt8]) {
        waitingBytes += bytes.count
        if waitingBytes > Limits.uploadBytesWaitingMax { call.pauseReading() }
        let handle = call.handle
        // SAFETY: the object is touched in work that the call's own loop runs, and nowhere else.
        nonisolated(unsafe) let upload = self
        self.upload?.append(bytes) { refusal in
            handle.complete { _ in unsafe upload.written(bytes.count, refusal) }
        }
    }

    private func written(_ count: Int, _ refusal: Refusal?) {
        if let refusal { return fail(StatusMapping.status(refusal)) }
        waitingBytes -= count
        if waitingBytes <= Limits.uploadBytesWaitingMax { call.resumeReading() }
    }

    func halfClosed() {
        guard !call.isCancelled else { return }
        guard let upload else {
            let refusal = Refusal.invalid("job", "is required in the first message")
            return fail(StatusMapping.status(refusal))
        }
        isHandedOver = true
        let handle = call.handle
        // SAFETY: as above.
        nonisolated(unsafe) let call = self
        upload.finish { result in
            handle.complete { _ in unsafe call.kept(result) }
        }
    }

    private func kept(_ result: Result<String, Refusal>) {
        guard let draft else { return }
        let upload = self.upload
        service.calls.change(call) { [service, requestID] _, done in
            let job = try service.control.jobDrafts.importJob(draft, upload: try result.get())
            service.create(job, requestID, upload, done)
        } _: { [messages = service.messages] stored, writer in
            let response = ImportDataResponseBuilder(into: writer)
            for one in stored { response.datasetImportJob { messages.write(one, $0) } }
        }
    }

    func cancelled() {
        if !isHandedOver { upload?.discard() }
    }

    private func fail(_ status: Status) {
        upload?.discard()
        upload = nil
        call.fail(status)
    }
}

extension ResourceStatus {
    /// Deletion jobs have states of their own names.
    func wire(of kind: ResourceKind) -> ResourceStatusValue {
        guard kind == .dataDeletionJob else { return wire }
        return switch self {
        case .createPending: .pending
        case .createInProgress: .inProgress
        case .active: .completed
        case .createFailed: .failed
        case .createStopping: .createStopping
        case .createStopped: .createStopped
        }
    }
}
