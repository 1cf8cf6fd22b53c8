import Control
import Engine
import Primitives
import RPC
import Resources
import Wire

/// DatasetGroups over the wire.
extension DatasetsService {
    func addDatasetGroups(to router: inout Router) {
        let path = "/bowerbird.v1.DatasetsService/"
        router.unary(path + "CreateDatasetGroup") { [self] in createDatasetGroup($0, $1) }
        router.unary(path + "DescribeDatasetGroup") { [self] message, call in
            calls.describe(call, .datasetGroup) {
                try DescribeDatasetGroupRequestView(unpacking: message, into: $0).datasetGroup
                    .string
            } _: { [messages] found, writer in
                DescribeDatasetGroupResponseBuilder(into: writer).datasetGroup {
                    if case .datasetGroup(let one) = found { messages.write(one, $0) }
                }
            }
        }
        router.unary(path + "ListDatasetGroups") { [self] message, call in
            calls.list(call, .datasetGroup) { arena in
                let request = try ListDatasetGroupsRequestView(unpacking: message, into: arena)
                return ControlCalls.Page(size: request.pageSize, token: request.pageToken.string)
            } _: { [messages] page, next, writer in
                let response = ListDatasetGroupsResponseBuilder(into: writer)
                for case .datasetGroup(let one) in page {
                    response.datasetGroups { messages.write(one, $0) }
                }
                response.nextPageToken(next)
            }
        }
        router.unary(path + "DeleteDatasetGroup") { [self] message, call in
            calls.delete(call, .datasetGroup) { arena in
                let request = try DeleteDatasetGroupRequestView(unpacking: message, into: arena)
                return (request.datasetGroup.string, request.etag.string)
            }
        }
    }

    private func createDatasetGroup(_ message: RawSpan, _ call: ServerCall) {
        calls.change(call) { arena, done in
            let request = try CreateDatasetGroupRequestView(unpacking: message, into: arena)
            let drafts = control.drafts
            let name = request.name.string
            let serves = request.hasServeUnknownItems ? request.serveUnknownItems : true
            let resources =
                request.starter
                ? try drafts.starter(
                    name: name,
                    servesUnknownItems: serves,
                    trackingID: ControlPlane.randomToken(characters: 32)
                )
                : [try drafts.datasetGroup(name: name, servesUnknownItems: serves)]
            control.create(
                resources,
                requestID: request.requestID.string,
                completion: done
            )
        } _: { [messages] stored, writer in
            let response = CreateDatasetGroupResponseBuilder(into: writer)
            for resource in stored {
                switch resource {
                case .datasetGroup(let one): response.datasetGroup { messages.write(one, $0) }
                case .eventTracker(let one): response.trackingID(one.trackingID)
                case .campaign: response.campaign(resource.resourceName.text)
                case .schema, .dataset, .solution, .solutionVersion, .job, .filter: break
                }
            }
        }
    }
}
