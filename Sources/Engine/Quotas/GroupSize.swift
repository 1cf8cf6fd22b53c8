import Primitives
import Resources
import Synchronization

/// What a group has, as far as its operator may bound it.
struct GroupSize: Hashable, Sendable {
    /// Of users and items.
    var records = 0
    var interactions = 0
    /// Of all of them.
    var bytes = 0

    static func + (left: GroupSize, right: GroupSize) -> GroupSize {
        GroupSize(
            records: left.records + right.records,
            interactions: left.interactions + right.interactions,
            bytes: left.bytes + right.bytes
        )
    }

    static func - (left: GroupSize, right: GroupSize) -> GroupSize {
        GroupSize(
            records: left.records - right.records,
            interactions: left.interactions - right.interactions,
            bytes: left.bytes - right.bytes
        )
    }
}

extension GroupSize {
    /// What readers may see: `bulk` are the events that came in bulk.
    fileprivate init(_ entities: Tally, _ put: Tally, _ itemless: Tally, bulk: Tally) {
        records = entities.count
        interactions = put.count + itemless.count + bulk.count
        bytes = entities.byteCount + put.byteCount + itemless.byteCount + bulk.byteCount
    }

    /// What changes when one record takes the place of another, or of none.
    init(of record: EntityRecord, inPlaceOf old: EntityRecord?) {
        records = old == nil ? 1 : 0
        bytes = record.dataByteCount - (old?.dataByteCount ?? 0)
    }
}

/// On the writer's thread.
extension GroupStore {
    var size: GroupSize {
        GroupSize(entities, putCounts.total, itemless, bulk: bulkCounts.total)
    }

    /// The size once what is staged of a kind has taken the place of what was imported before.
    ///
    /// O(1) for interactions, O(items) or O(users) for the others.
    func sizeSwitched(_ kind: DatasetKind) -> GroupSize {
        var entities = entities
        var bulkEvents = bulkCounts.total
        switch kind {
        case .interactions: bulkEvents = staging.counts.total
        case .items:
            for index in 0..<items.count where !hasPutRecord.contains(index) {
                let record = records[index / ItemIDChunk.capacity][index % ItemIDChunk.capacity]
                let next = staging.items?[UInt32(index)]
                entities.replace(record?.dataByteCount, by: next?.dataByteCount)
            }
        case .users:
            for shard in shards {
                shard.state.withLock { state in
                    for (slot, owner) in state.owners.enumerated() where !owner.isRecordPut {
                        let next = staging.users?[owner.index.rawValue]
                        let old = state.record(ofSlot: slot)
                        entities.replace(old?.dataByteCount, by: next?.dataByteCount)
                    }
                }
            }
        }
        return GroupSize(entities, putCounts.total, itemless, bulk: bulkEvents)
    }

    /// The records of users or items that a FULL import has gathered, by index.
    func stagedRecords(_ kind: DatasetKind) -> [UInt32: EntityRecord] {
        (kind == .items ? staging.items : staging.users) ?? [:]
    }
}
