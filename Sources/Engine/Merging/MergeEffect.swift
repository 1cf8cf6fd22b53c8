package import Primitives

/// What a merge of two users makes true; a part of `Effect`.
package enum MergeEffect: Hashable, Sendable {
    /// Every event of `from` is in the history of `into`: `moved` are those, `kept` the ones that
    /// were there; each oldest first. The rows of `from` are gone.
    case histories(
        GroupIndex,
        from: UserIndex,
        into: UserIndex,
        moved: [StoredEvent],
        kept: [StoredEvent]
    )
    /// The id of `user` is another name of `into` from now on, and nothing else is its own.
    case named(GroupIndex, user: UserIndex, id: String, into: UserIndex)

    /// Two histories as one, oldest first.
    package static func joined(_ moved: [StoredEvent], _ kept: [StoredEvent]) -> [StoredEvent] {
        (kept + moved).sorted { left, right in
            (left.record.occurredAt, left.position, left.ordinal)
                < (right.record.occurredAt, right.position, right.ordinal)
        }
    }
}
