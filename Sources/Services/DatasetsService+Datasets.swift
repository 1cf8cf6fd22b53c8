import Control
import Engine
import Primitives
import RPC
import Resources
import Wire

/// Datasets over the wire.
extension DatasetsService {
    func addDatasets(to router: inout Router) {
        let path = "/bowerbird.v1.DatasetsService/"
        router.unary(path + "CreateDataset") { [self] in createDataset($0, $1) }
        router.unary(path + "DescribeDataset") { [self] message, call in
            calls.describe(call, .dataset) {
                try DescribeDatasetRequestView(unpacking: message, into: $0).dataset.string
            } _: { [messages] found, writer in
                DescribeDatasetResponseBuilder(into: writer).dataset {
                    if case .dataset(let one) = found { messages.write(one, $0) }
                }
            }
        }
        router.unary(path + "ListDatasets") { [self] message, call in
            calls.list(call, .dataset) { arena in
                let request = try ListDatasetsRequestView(unpacking: message, into: arena)
                return ControlCalls.Page(
                    parent: request.datasetGroup.string,
                    size: request.pageSize,
                    token: request.pageToken.string
                )
            } _: { [messages] page, next, writer in
                let response = ListDatasetsResponseBuilder(into: writer)
                for case .dataset(let one) in page {
                    response.datasets { messages.write(one, $0) }
                }
                response.nextPageToken(next)
            }
        }
        router.unary(path + "UpdateDataset") { [self] in updateDataset($0, $1) }
        router.unary(path + "DeleteDataset") { [self] message, call in
            calls.delete(call, .dataset) { arena in
                let request = try DeleteDatasetRequestView(unpacking: message, into: arena)
                return (request.dataset.string, request.etag.string)
            }
        }
    }

    private func createDataset(_ message: RawSpan, _ call: ServerCall) {
        calls.change(call) { arena, done in
            let request = try CreateDatasetRequestView(unpacking: message, into: arena)
            let draft = try control.drafts.dataset(
                name: request.name.string,
                group: request.datasetGroup.string,
                schema: request.schema.string,
                kind: try DatasetKind(request.datasetType)
            )
            control.create(
                [draft],
                requestID: request.requestID.string,
                completion: done
            )
        } _: { [messages] stored, writer in
            let response = CreateDatasetResponseBuilder(into: writer)
            for case .dataset(let one) in stored {
                response.dataset { messages.write(one, $0) }
            }
        }
    }
}

extension DatasetsService {
    private func updateDataset(_ message: RawSpan, _ call: ServerCall) {
        calls.change(call) { arena, done in
            let request = try UpdateDatasetRequestView(unpacking: message, into: arena)
            let found = try control.describe(request.dataset.string, .dataset)
            guard case .dataset(let dataset) = found else { return }
            try ControlPlane.check(etag: request.etag.string, of: found)
            let changed = try control.drafts.updated(dataset, schema: request.schema.string)
            control.update(changed, completion: done)
        } _: { [messages] stored, writer in
            let response = UpdateDatasetResponseBuilder(into: writer)
            for case .dataset(let one) in stored {
                response.dataset { messages.write(one, $0) }
            }
        }
    }
}

/// EventTrackers over the wire.
extension DatasetsService {
    func addEventTrackers(to router: inout Router) {
        let path = "/bowerbird.v1.DatasetsService/"
        router.unary(path + "CreateEventTracker") { [self] in createEventTracker($0, $1) }
        router.unary(path + "DescribeEventTracker") { [self] message, call in
            calls.describe(call, .eventTracker) {
                try DescribeEventTrackerRequestView(unpacking: message, into: $0).eventTracker
                    .string
            } _: { [messages] found, writer in
                DescribeEventTrackerResponseBuilder(into: writer).eventTracker {
                    if case .eventTracker(let one) = found { messages.write(one, $0) }
                }
            }
        }
        router.unary(path + "ListEventTrackers") { [self] message, call in
            calls.list(call, .eventTracker) { arena in
                let request = try ListEventTrackersRequestView(unpacking: message, into: arena)
                return ControlCalls.Page(
                    parent: request.datasetGroup.string,
                    size: request.pageSize,
                    token: request.pageToken.string
                )
            } _: { [messages] page, next, writer in
                let response = ListEventTrackersResponseBuilder(into: writer)
                for case .eventTracker(let one) in page {
                    response.eventTrackers { messages.write(one, $0) }
                }
                response.nextPageToken(next)
            }
        }
        router.unary(path + "DeleteEventTracker") { [self] message, call in
            calls.delete(call, .eventTracker) { arena in
                let request = try DeleteEventTrackerRequestView(unpacking: message, into: arena)
                return (request.eventTracker.string, request.etag.string)
            }
        }
    }

    private func createEventTracker(_ message: RawSpan, _ call: ServerCall) {
        calls.change(call) { arena, done in
            let request = try CreateEventTrackerRequestView(unpacking: message, into: arena)
            let draft = try control.drafts.eventTracker(
                name: request.name.string,
                group: request.datasetGroup.string,
                trackingID: ControlPlane.randomToken(characters: 32)
            )
            control.create(
                [draft],
                requestID: request.requestID.string,
                completion: done
            )
        } _: { [messages] stored, writer in
            let response = CreateEventTrackerResponseBuilder(into: writer)
            for case .eventTracker(let one) in stored {
                response.eventTracker { messages.write(one, $0) }
                response.trackingID(one.trackingID)
            }
        }
    }
}
