import Primitives
import Resources

/// What the mutations planned so far in a batch will make true; the engine does not show it yet.
///
/// Emptied when the batch is applied or has failed. Confined to the writer's thread.
package final class PlannedBatch {
    var overlay = PlanOverlay()
    let events: PlannedMoments

    package init(engine: DatasetEngine) {
        events = PlannedMoments(secret: engine.secret)
    }

    package func removeAll() {
        overlay = PlanOverlay()
        events.removeAll()
    }
}

/// What some mutations will make true: those of a batch so far, or one that is being planned.
struct PlanOverlay {
    struct Key<Value: Hashable>: Hashable {
        let group: GroupIndex
        let value: Value
    }

    struct OwnerID: Hashable {
        let kind: OwnerKind
        let id: String
    }

    typealias EventPlace = PlannedMoments.Place

    /// A user's or an item's record.
    struct EntityKey: Hashable {
        let kind: DatasetKind
        let index: UInt32
    }

    /// What is planned of one producer's batches.
    struct PlannedProducer {
        var answers: [UInt64: BatchAnswer] = [:]
        /// How many of the oldest that the engine knows are let go.
        var forgottenCount = 0
    }

    var producers: [ProducerKey: PlannedProducer] = [:]
    var forgottenProducers: Set<ProducerKey> = []
    /// `.some(nil)`: deleted.
    var resources: [ResourceName: Resource?] = [:]
    var items: [Key<String>: ItemIndex] = [:]
    var owners: [Key<OwnerID>: UserIndex] = [:]
    var eventTypes: [Key<String>: EventTypeIndex] = [:]
    var joins: [Key<UserIndex>: UserIndex] = [:]
    /// The effects of every mutation so far.
    var planned: [[Effect]] = []
    /// The whole history of a user that a session's was moved to; the store still has both apart.
    var joinedHistories: [Key<UserIndex>: [StoredEvent]] = [:]
    /// The user that a session's events were moved to.
    var movedOwners: [Key<UserIndex>: UserIndex] = [:]
    var eventIDs: [Key<String>: EventPlace] = [:]
    /// The newest planned records.
    var entities: [Key<EntityKey>: EventPlace] = [:]
    var ownersWithEvents: Set<Key<UserIndex>> = []
    /// The events of this mutation by owner, where one mutation has many; for a join among them.
    var placesByOwner: [Key<UserIndex>: [EventPlace]] = [:]
    var requests: [String: WriterState.Request] = [:]
    var newItems: [GroupIndex: Int] = [:]
    var newOwners: [GroupIndex: Int] = [:]
    var newTypes: [GroupIndex: Int] = [:]
    /// Counted where a group may grow to so much only.
    var growth: [GroupIndex: GroupSize] = [:]
    var newGroups: UInt32 = 0
    /// Groups with records or datasets deleted in this batch: whatever comes next on them waits.
    var deletedGroups: Set<GroupIndex> = []

    /// Takes over what one more mutation does; most do few of these things.
    mutating func merge(_ other: PlanOverlay, _ effects: [Effect]) {
        planned.append(effects)
        Self.merge(&resources, other.resources) { $1 }
        Self.merge(&items, other.items) { $1 }
        Self.merge(&owners, other.owners) { $1 }
        Self.merge(&eventTypes, other.eventTypes) { $1 }
        Self.merge(&joins, other.joins) { $1 }
        Self.merge(&joinedHistories, other.joinedHistories) { $1 }
        Self.merge(&movedOwners, other.movedOwners) { $1 }
        Self.merge(&eventIDs, other.eventIDs) { $1 }
        Self.merge(&entities, other.entities) { $1 }
        ownersWithEvents.formUnion(other.ownersWithEvents)
        Self.merge(&requests, other.requests) { $1 }
        Self.merge(&newItems, other.newItems) { $0 + $1 }
        Self.merge(&newOwners, other.newOwners) { $0 + $1 }
        Self.merge(&newTypes, other.newTypes) { $0 + $1 }
        Self.merge(&growth, other.growth) { $0 + $1 }
        Self.merge(&producers, other.producers) { old, new in
            PlannedProducer(
                answers: old.answers.merging(new.answers) { $1 },
                forgottenCount: old.forgottenCount + new.forgottenCount
            )
        }
        forgottenProducers.formUnion(other.forgottenProducers)
        newGroups += other.newGroups
        deletedGroups.formUnion(other.deletedGroups)
    }

    private static func merge<Key, Value>(
        _ table: inout [Key: Value],
        _ other: [Key: Value],
        _ combine: (Value, Value) -> Value
    ) {
        if !other.isEmpty { table.merge(other, uniquingKeysWith: combine) }
    }
}
