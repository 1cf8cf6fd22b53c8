package import Primitives
package import Resources

/// An event as it is stored, with everything that a client sent.
package struct StoredEvent: Hashable, Sendable {
    /// Part of the row's key: the mutation's position and the place of the event in its call.
    package var position: LogPosition
    package var ordinal: UInt16
    package var item: ItemIndex?
    package var type: EventTypeIndex
    /// The event's own fields, identifiers as given; `itemID` and `eventType` are kept for export.
    package var record: EventRecord
    /// The session that the event came with, as an owner of histories.
    package var session: UserIndex?
    /// The event was in the history of `session` before a user joined it: its generated id still
    /// names it so.
    package var isMoved: Bool
    /// The user in whose history the event was before that one was merged into another: its
    /// generated id still names that one.
    package var origin: UserIndex?
    /// The generation of bulk events that it came with; 0: it was put.
    package var generation: UInt32

    package init(
        position: LogPosition,
        ordinal: UInt16,
        item: ItemIndex?,
        type: EventTypeIndex,
        record: EventRecord,
        session: UserIndex?,
        isMoved: Bool = false,
        origin: UserIndex? = nil,
        generation: UInt32 = 0
    ) {
        self.position = position
        self.ordinal = ordinal
        self.item = item
        self.type = type
        self.record = record
        self.session = session
        self.isMoved = isMoved
        self.origin = origin
        self.generation = generation
    }
}

/// Whether an index of a history's owner came from a user id or from a session id.
package enum OwnerKind: UInt8, Hashable, Sendable {
    case user = 1
    case session = 2
}

/// One fact that a mutation makes true; what `apply` applies and what the journal stores as rows.
///
/// Effects are absolute (they name what is, not what to add), so that applying the rows of the
/// store from scratch gives the same engine as applying the mutations one by one did.
package enum Effect: Hashable, Sendable {
    indirect case resourceStored(ResourceName, Resource)
    case resourceDeleted(ResourceName)
    case itemNamed(GroupIndex, ItemIndex, id: String)
    case ownerNamed(GroupIndex, UserIndex, OwnerKind, id: String)
    case eventTypeNamed(GroupIndex, EventTypeIndex, name: String)
    case itemStored(GroupIndex, ItemIndex, EntityRecord)
    case userStored(GroupIndex, UserIndex, EntityRecord)
    /// A new event in the history of `owner`.
    case eventStored(GroupIndex, owner: UserIndex, StoredEvent)
    /// Stored events of a history that a restart makes anew, by time; the only effect that comes
    /// of rows and makes none.
    case eventsRestored(GroupIndex, owner: UserIndex, [RestoredEvent])
    /// From now on events of the session go to `user`.
    case sessionJoined(GroupIndex, session: UserIndex, user: UserIndex)
    /// The first join: every event of `session` is now in the history of `user`. `merged` is the
    /// whole history of `user` afterwards, oldest first; the rows of `session` are gone.
    case historyJoined(GroupIndex, session: UserIndex, user: UserIndex, merged: [StoredEvent])
    /// Everything of a deleted group or dataset is gone. `nil`: the whole group.
    case recordsDeleted(GroupIndex, DatasetKind?)
    /// The answer to a creation, kept 24 h for a repeated request id.
    case requestRemembered(
        requestID: String,
        bodyHash: UInt64,
        names: [ResourceName],
        at: Timestamp
    )
    /// A request id is too old to matter, or one too many.
    case requestForgotten(requestID: String)
    /// The answer to a batch of a producer, for when it comes again.
    case batchRemembered(ProducerKey, BatchAnswer)
    /// A batch is older than those that matter.
    case batchForgotten(ProducerKey, batchID: UInt64)
    /// A producer too many.
    case producerForgotten(ProducerKey)
    /// Two users that are one.
    case merged(MergeEffect)
    /// Records that are gone for good.
    case erased(ErasureEffect)
    /// Records in bulk, and the jobs that move them.
    case bulk(BulkEffect)
}

/// What one mutation does, as planned; nothing of it is visible before it is durable.
package struct Effects: Sendable {
    package var position: LogPosition
    package var effects: [Effect]

    package init(position: LogPosition, effects: [Effect]) {
        self.position = position
        self.effects = effects
    }
}

/// What the caller of a planned mutation is told once it is durable and applied.
package struct MutationOutcome: Hashable, Sendable {
    package var position: LogPosition
    package var appliedCount: Int
    package var duplicateCount: Int
    /// One per event of a `putEvents`, in order.
    package var eventIDs: [String]
    /// The resources as stored, for a create or an update.
    package var resources: [Resource]
    /// The records of a partial call that were not applied, by place.
    package var rejected: [RejectedRecord] = []

    package init(
        position: LogPosition,
        appliedCount: Int = 0,
        duplicateCount: Int = 0,
        eventIDs: [String] = [],
        resources: [Resource] = []
    ) {
        self.position = position
        self.appliedCount = appliedCount
        self.duplicateCount = duplicateCount
        self.eventIDs = eventIDs
        self.resources = resources
    }
}

/// Stored facts that the planner needs and the engine does not keep in memory.
///
/// Two conformers: the store, and a dictionary in the engine's tests. Answers are of what is
/// durable; what the current batch has planned is in the planner's overlay.
package protocol FactReader: AnyObject {
    /// The events of an owner in one millisecond, oldest first.
    func events(
        _ group: GroupIndex,
        owner: UserIndex,
        at: Timestamp
    ) throws(Refusal) -> [StoredEvent]

    /// All events of an owner, oldest first.
    func events(_ group: GroupIndex, owner: UserIndex) throws(Refusal) -> [StoredEvent]

    /// The event that was stored under an id, given by a client or generated, with its owner.
    func event(
        _ group: GroupIndex,
        withID eventID: String
    ) throws(Refusal) -> (owner: UserIndex, event: StoredEvent)?

    /// Whether the event that had this id was deleted: the id is used up.
    func isErased(_ group: GroupIndex, eventID: String) throws(Refusal) -> Bool
}
