import Engine
import Primitives
import Resources

/// What a restart knows of records in bulk and of jobs.
extension Recovery {
    func applyJobs(_ effects: inout [Effect]) throws(JournalError) {
        var name = ResourceName(unchecked: "")
        var progress = JobProgress()
        try unsafe store.scan(.jobs) { (key, value) throws(JournalError) in
            var reader = unsafe RowReader(value)
            do throws(RowReader.Damaged) {
                // The rejected rows of a job stand behind its progress.
                var rejected: [RejectedRow] = []
                if key.count == 16 {
                    name = try reader.name()
                    progress = try reader.progress()
                } else {
                    rejected = try reader.list { (reader) throws(RowReader.Damaged) in
                        try reader.rejectedRow()
                    }
                }
                effects.append(.bulk(.progressed(name, progress, rejected: rejected)))
            } catch {
                throw unsafe damaged(.jobs, key)
            }
            return true
        }
    }
}

extension Effect {
    static func bulk(
        _ group: GroupIndex,
        _ kind: DatasetKind,
        _ generation: UInt32,
        _ index: UInt32,
        _ record: EntityRecord
    ) -> Effect {
        .bulk(
            .entitiesStored(
                group,
                kind,
                generation: generation,
                [BulkEntity(index: index, record: record)]
            )
        )
    }
}
