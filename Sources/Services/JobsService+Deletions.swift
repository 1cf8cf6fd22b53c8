import Control
import Engine
import Primitives
import RPC
import Resources
import Wire

/// Deletions of many users.
extension JobsService {
    func addDeletions(to router: inout Router) {
        let path = "/bowerbird.v1.JobsService/"
        router.unary(path + "CreateDataDeletionJob") { [self] in createDeletion($0, $1) }
        router.unary(path + "DescribeDataDeletionJob") { [self] message, call in
            calls.describe(call, .dataDeletionJob) {
                try DescribeDataDeletionJobRequestView(unpacking: message, into: $0)
                    .dataDeletionJob.string
            } _: { [messages] found, writer in
                DescribeDataDeletionJobResponseBuilder(into: writer).dataDeletionJob {
                    messages.write(found, $0)
                }
            }
        }
        router.unary(path + "ListDataDeletionJobs") { [self] message, call in
            list(call, .dataDeletionJob) { arena in
                let request = try ListDataDeletionJobsRequestView(unpacking: message, into: arena)
                return ControlCalls.Page(
                    parent: request.datasetGroup.string,
                    size: request.pageSize,
                    token: request.pageToken.string
                )
            } _: { [messages] page, next, writer in
                let response = ListDataDeletionJobsResponseBuilder(into: writer)
                for job in page {
                    response.dataDeletionJobs { messages.write(.job(job), $0) }
                }
                response.nextPageToken(next)
            }
        }
        router.unary(path + "CancelDataDeletionJob") { [self] message, call in
            calls.change(call) { arena, done in
                let request = try CancelDataDeletionJobRequestView(unpacking: message, into: arena)
                control.cancel(
                    request.dataDeletionJob.string,
                    .dataDeletionJob,
                    completion: done
                )
            } _: { [messages] stored, writer in
                let response = CancelDataDeletionJobResponseBuilder(into: writer)
                for one in stored { response.dataDeletionJob { messages.write(one, $0) } }
            }
        }
    }

    private func createDeletion(_ message: RawSpan, _ call: ServerCall) {
        calls.change(call) { arena, done in
            let request = try CreateDataDeletionJobRequestView(unpacking: message, into: arena)
            let draft = try JobMessages.deletionDraft(request)
            let requestID = request.requestID.string
            let users = try JobMessages.users(request)
            guard !users.isEmpty else {
                let job = try control.jobDrafts.deletionJob(draft)
                return control.create([job], requestID: requestID, completion: done)
            }
            // Whatever can be refused is refused before a file is made.
            _ = try control.describe(
                try control.jobDrafts.deletionJob(draft, upload: "/").owner?.text ?? "",
                .datasetGroup
            )
            keep(users) { [self] upload, result in
                do throws(Refusal) {
                    let path = try result.get()
                    let job = try control.jobDrafts.deletionJob(draft, upload: path)
                    create(job, requestID, upload, done)
                } catch {
                    upload?.discard()
                    done(.failure(error), nil)
                }
            }
        } _: { [messages] stored, writer in
            let response = CreateDataDeletionJobResponseBuilder(into: writer)
            for one in stored { response.dataDeletionJob { messages.write(one, $0) } }
        }
    }

    /// Writes the ids of a call to a file, which goes when its job is over.
    private func keep(
        _ users: [String],
        _ done: @escaping @Sendable (Upload?, Result<String, Refusal>) -> Void
    ) {
        let file = UserList.file(of: users)
        let upload: Upload
        do throws(Refusal) {
            // Its name tells one call from another, and no id.
            let digest = String(control.hash(file), radix: 36)
            upload = try Upload(in: control.jobSettings.uploads, name: "user-ids-\(digest)")
        } catch {
            return done(nil, .failure(error))
        }
        upload.append(file) { refusal in
            if let refusal { return done(upload, .failure(refusal)) }
            upload.finish { done(upload, $0) }
        }
    }

    /// Creates the job of an upload, which goes when there is one like it already.
    func create(
        _ job: Resource,
        _ requestID: String,
        _ upload: Upload?,
        _ done: @escaping ControlPlane.Completion
    ) {
        control.create([job], requestID: requestID) { result, wakes in
            switch result {
            case .success(let outcome):
                if case .job(let stored)? = outcome.resources.first,
                    case .job(let given) = job, stored.work.source != given.work.source
                {
                    upload?.discard()
                }
            case .failure: upload?.discard()
            }
            done(result, wakes)
        }
    }
}
