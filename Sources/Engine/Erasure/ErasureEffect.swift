package import Primitives

/// What is to be deleted.
package enum Deletion: Hashable, Sendable {
    /// Users or sessions with everything of them, the sessions that a user joined last included.
    ///
    /// `isPartial`: unknown ones are counted as duplicates in place of refusing the call.
    case owners(OwnerKind, [String], isPartial: Bool)
    /// An item with its record, and all events on it so far.
    case item(String)
    /// One event, by the id that was given or generated.
    case event(String)
}

/// What a deletion makes true; a part of `Effect`.
package enum ErasureEffect: Hashable, Sendable {
    /// An owner is gone with its events; its index stays taken, and the ids of its events used up.
    case owner(GroupIndex, UserIndex, ErasedEvents)
    /// One event is gone, and its id used up.
    case event(GroupIndex, owner: UserIndex, StoredEvent)
    /// An item's record is gone, put or of one of these bulk generations; events on it at or below
    /// `through` count no more; those at or below `after` did not before.
    case item(
        GroupIndex,
        ItemIndex,
        through: LogPosition,
        after: LogPosition,
        generations: [UInt32]
    )
    /// What stays of a history of which only a part was in memory; on disk it is so already.
    case historyReread(GroupIndex, UserIndex, [StoredEvent])
    /// That something was deleted, for the audit.
    case recorded(GroupIndex, ErasureRecord)
}

/// What of an owner's events is known besides their rows.
package struct ErasedEvents: Hashable, Sendable {
    /// Ids that clients gave.
    package var eventIDs: [String] = []
    /// How many of its visible events each item had, and of what size.
    package var put: [ItemIndex: Tally] = [:]
    package var bulk: [ItemIndex: Tally] = [:]
    package var staged: [ItemIndex: Tally] = [:]
    package var itemless = Tally()
    /// All of them, for models that know them still.
    package var all: [StoredEvent] = []

    package init() {}
}

/// A line of the audit: what kind of thing was deleted and when, and a keyed hash of its id.
package struct ErasureRecord: Hashable, Sendable {
    package enum Kind: UInt8, Hashable, Sendable {
        case user = 1
        case session = 2
        case item = 3
        case event = 4
    }

    package var kind: Kind
    package var high: UInt64
    package var low: UInt64
    package var at: Timestamp
    package var position: LogPosition
    package var ordinal: UInt32

    package init(
        kind: Kind,
        high: UInt64,
        low: UInt64,
        at: Timestamp,
        position: LogPosition,
        ordinal: UInt32
    ) {
        self.kind = kind
        self.high = high
        self.low = low
        self.at = at
        self.position = position
        self.ordinal = ordinal
    }
}
