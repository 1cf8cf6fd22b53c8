import Control
import Primitives
import RPC
import Resources
import Wire

/// What datasets hold.
extension DatasetsService {
    func addStatistics(to router: inout Router) {
        let path = "/bowerbird.v1.DatasetsService/"
        router.unary(path + "GetDatasetStatistics") { [self] in getStatistics($0, $1) }
    }

    private func getStatistics(_ message: RawSpan, _ call: ServerCall) {
        do {
            let arena = Arena()
            let request = try GetDatasetStatisticsRequestView(unpacking: message, into: arena)
            let group = try control.describe(request.datasetGroup.string, .datasetGroup)
                .resourceName
            try counters.answer(
                call,
                full:
                    "\(Limits.pendingStatisticsMax) groups wait to be counted, which is the limit"
            ) { [control] () throws(Refusal) in
                let (position, datasets) = try DatasetCount.run(group, control.jobs)
                return { writer in
                    let response = GetDatasetStatisticsResponseBuilder(into: writer)
                    for one in datasets {
                        response.datasets { Self.write(one, of: group, $0) }
                    }
                    response.position(position.rawValue)
                }
            }
        } catch {
            call.fail(StatusMapping.status(of: error))
        }
    }

    private static func write(
        _ one: DatasetStatistics,
        of group: ResourceName,
        _ message: DatasetStatisticsBuilder
    ) {
        message.dataset(group.child("datasets", one.kind.collectionLabel).text)
        message.datasetType(one.kind.wire)
        message.recordCount(one.recordCount)
        message.putCount(one.recordCount - one.bulkCount)
        message.bulkCount(one.bulkCount)
        message.byteCount(one.byteCount)
        for column in one.columns {
            message.columns { builder in
                builder.name(column.name)
                builder.filledCount(column.filledCount)
                builder.distinctCount(UInt64(column.distinctCount))
                builder.hasMoreValues(column.hasMoreValues)
            }
        }
        if let events = one.events {
            message.userCount(events.userCount)
            message.sessionCount(events.sessionCount)
            message.itemCount(events.itemCount)
            message.withoutItemCount(events.withoutItemCount)
            if let first = events.first { message.firstEvent { $0.set(first) } }
            if let last = events.last { message.lastEvent { $0.set(last) } }
            for type in events.types {
                message.eventTypes { builder in
                    builder.eventType(type.name)
                    builder.count(type.count)
                }
            }
        }
        message.withoutInteractionsCount(one.withoutInteractionsCount)
        for warning in one.warnings { message.warnings(warning) }
    }
}
