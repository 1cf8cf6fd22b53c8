package import Control
import Engine
import Primitives
package import RPC
import Resources
import Wire

/// `bowerbird.v1.JobsService`: many records at a time.
package final class JobsService: Sendable {
    let control: ControlPlane
    let calls: ControlCalls
    let messages: JobMessages

    package init(control: ControlPlane) {
        self.control = control
        calls = ControlCalls(control: control)
        messages = JobMessages(control: control)
    }

    package func add(to router: inout Router) {
        addImports(to: &router)
        addExports(to: &router)
        addDeletions(to: &router)
        let path = "/bowerbird.v1.JobsService/"
        router.serverStreaming(path + "WatchJob") { [self] in JobWatch($0, $1, service: self) }
        router.serverStreaming(path + "ExportData") { [self] in ExportCall($0, $1, service: self) }
        router.clientStreaming(path + "ImportData") { [self] in UploadCall($0, service: self) }
    }

    /// Answers with a page of the jobs of a kind; the messages of all kinds have the same fields.
    func list(
        _ call: ServerCall,
        _ kind: ResourceKind,
        _ page: (Arena) throws -> ControlCalls.Page,
        _ encode: @escaping @Sendable ([Job], _ nextPageToken: String, ByteWriter) -> Void
    ) {
        calls.list(call, kind, page) { found, next, writer in
            let jobs = found.compactMap { resource -> Job? in
                if case .job(let job) = resource { job } else { nil }
            }
            encode(jobs, next, writer)
        }
    }

    private func addImports(to router: inout Router) {
        let path = "/bowerbird.v1.JobsService/"
        router.unary(path + "CreateDatasetImportJob") { [self] in createImport($0, $1) }
        router.unary(path + "DescribeDatasetImportJob") { [self] message, call in
            calls.describe(call, .datasetImportJob) {
                try DescribeDatasetImportJobRequestView(unpacking: message, into: $0)
                    .datasetImportJob.string
            } _: { [messages] found, writer in
                DescribeDatasetImportJobResponseBuilder(into: writer).datasetImportJob {
                    messages.write(found, $0)
                }
            }
        }
        router.unary(path + "ListDatasetImportJobs") { [self] message, call in
            list(call, .datasetImportJob) { arena in
                let request = try ListDatasetImportJobsRequestView(unpacking: message, into: arena)
                return ControlCalls.Page(
                    parent: request.datasetGroup.string,
                    size: request.pageSize,
                    token: request.pageToken.string
                )
            } _: { [messages] page, next, writer in
                let response = ListDatasetImportJobsResponseBuilder(into: writer)
                for job in page {
                    response.datasetImportJobs { messages.write(.job(job), $0) }
                }
                response.nextPageToken(next)
            }
        }
        router.unary(path + "CancelDatasetImportJob") { [self] message, call in
            calls.change(call) { arena, done in
                let request = try CancelDatasetImportJobRequestView(unpacking: message, into: arena)
                control.cancel(
                    request.datasetImportJob.string,
                    .datasetImportJob,
                    completion: done
                )
            } _: { [messages] stored, writer in
                let response = CancelDatasetImportJobResponseBuilder(into: writer)
                for one in stored { response.datasetImportJob { messages.write(one, $0) } }
            }
        }
    }

    private func createImport(_ message: RawSpan, _ call: ServerCall) {
        calls.change(call) { arena, done in
            let request = try CreateDatasetImportJobRequestView(unpacking: message, into: arena)
            let draft = try control.jobDrafts.importJob(try JobMessages.importDraft(request))
            control.create([draft], requestID: request.requestID.string, completion: done)
        } _: { [messages] stored, writer in
            let response = CreateDatasetImportJobResponseBuilder(into: writer)
            for one in stored { response.datasetImportJob { messages.write(one, $0) } }
        }
    }

    // MARK: Exports

    private func addExports(to router: inout Router) {
        let path = "/bowerbird.v1.JobsService/"
        router.unary(path + "CreateDatasetExportJob") { [self] in createExport($0, $1) }
        router.unary(path + "DescribeDatasetExportJob") { [self] message, call in
            calls.describe(call, .datasetExportJob) {
                try DescribeDatasetExportJobRequestView(unpacking: message, into: $0)
                    .datasetExportJob.string
            } _: { [messages] found, writer in
                DescribeDatasetExportJobResponseBuilder(into: writer).datasetExportJob {
                    messages.write(found, $0)
                }
            }
        }
        router.unary(path + "ListDatasetExportJobs") { [self] message, call in
            list(call, .datasetExportJob) { arena in
                let request = try ListDatasetExportJobsRequestView(unpacking: message, into: arena)
                return ControlCalls.Page(
                    parent: request.datasetGroup.string,
                    size: request.pageSize,
                    token: request.pageToken.string
                )
            } _: { [messages] page, next, writer in
                let response = ListDatasetExportJobsResponseBuilder(into: writer)
                for job in page {
                    response.datasetExportJobs { messages.write(.job(job), $0) }
                }
                response.nextPageToken(next)
            }
        }
        router.unary(path + "CancelDatasetExportJob") { [self] message, call in
            calls.change(call) { arena, done in
                let request = try CancelDatasetExportJobRequestView(unpacking: message, into: arena)
                control.cancel(
                    request.datasetExportJob.string,
                    .datasetExportJob,
                    completion: done
                )
            } _: { [messages] stored, writer in
                let response = CancelDatasetExportJobResponseBuilder(into: writer)
                for one in stored { response.datasetExportJob { messages.write(one, $0) } }
            }
        }
    }

    private func createExport(_ message: RawSpan, _ call: ServerCall) {
        calls.change(call) { arena, done in
            let request = try CreateDatasetExportJobRequestView(unpacking: message, into: arena)
            let draft = try control.jobDrafts.exportJob(try JobMessages.exportDraft(request))
            control.create([draft], requestID: request.requestID.string, completion: done)
        } _: { [messages] stored, writer in
            let response = CreateDatasetExportJobResponseBuilder(into: writer)
            for one in stored { response.datasetExportJob { messages.write(one, $0) } }
        }
    }
}
