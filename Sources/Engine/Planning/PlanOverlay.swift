import Primitives
import Resources

/// What the mutations planned so far in a batch will make true; the engine does not show it yet.
///
/// Made new for each batch, dropped when the batch is applied or has failed.
package struct PlanOverlay {
    struct Key<Value: Hashable>: Hashable {
        let group: GroupIndex
        let value: Value
    }

    struct OwnerID: Hashable {
        let kind: OwnerKind
        let id: String
    }

    struct Moment: Hashable {
        let owner: UserIndex
        let time: Timestamp
    }

    /// Where a planned event is: the mutation's place in the batch, the effect's in its mutation.
    struct EventPlace: Hashable {
        let mutation: UInt32
        let effect: UInt32
    }

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
    /// The newest event of an owner and a time; `earlier` leads to the ones before it.
    var events: [Key<Moment>: EventPlace] = [:]
    var earlier: [EventPlace: EventPlace] = [:]
    var eventIDs: [Key<String>: EventPlace] = [:]
    var ownersWithEvents: Set<Key<UserIndex>> = []
    /// The events of this mutation by owner, where one mutation has many; for a join among them.
    var placesByOwner: [Key<UserIndex>: [EventPlace]] = [:]
    var requests: [String: WriterState.Request] = [:]
    var newItems: [GroupIndex: Int] = [:]
    var newOwners: [GroupIndex: Int] = [:]
    var newTypes: [GroupIndex: Int] = [:]
    var newGroups: UInt32 = 0
    /// Groups with records or datasets deleted in this batch: whatever comes next on them waits.
    var deletedGroups: Set<GroupIndex> = []

    package init() {}

    /// Takes over what one more mutation does.
    mutating func merge(_ other: PlanOverlay, _ effects: [Effect]) {
        planned.append(effects)
        resources.merge(other.resources) { $1 }
        items.merge(other.items) { $1 }
        owners.merge(other.owners) { $1 }
        eventTypes.merge(other.eventTypes) { $1 }
        joins.merge(other.joins) { $1 }
        joinedHistories.merge(other.joinedHistories) { $1 }
        movedOwners.merge(other.movedOwners) { $1 }
        events.merge(other.events) { $1 }
        earlier.merge(other.earlier) { $1 }
        eventIDs.merge(other.eventIDs) { $1 }
        ownersWithEvents.formUnion(other.ownersWithEvents)
        requests.merge(other.requests) { $1 }
        newItems.merge(other.newItems) { $0 + $1 }
        newOwners.merge(other.newOwners) { $0 + $1 }
        newTypes.merge(other.newTypes) { $0 + $1 }
        newGroups += other.newGroups
        deletedGroups.formUnion(other.deletedGroups)
    }
}
