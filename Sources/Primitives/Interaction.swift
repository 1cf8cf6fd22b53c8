/// One entry of a history, as the models see it.
///
/// In memory a history packs these three fields to 12 bytes; everything else of an event is on
/// disk.
package struct Interaction: Hashable, Sendable {
    package var item: ItemIndex
    package var type: EventTypeIndex
    package var occurredAt: Timestamp

    package init(item: ItemIndex, type: EventTypeIndex, occurredAt: Timestamp) {
        self.item = item
        self.type = type
        self.occurredAt = occurredAt
    }
}

/// A change of one user's history at one place, with the neighbours that models may look at.
///
/// Histories are ordered by time, ties by arrival; `window` holds the entry at `index` and up to
/// `Limits.liveWindowMax` entries on either side, oldest first. An entry whose event has no item
/// takes no part in histories and never gets here.
package struct HistoryChange: Sendable {
    package var user: UserIndex
    package var window: [Interaction]
    package var index: Int
    /// No other entry of this user's whole history has the same item.
    package var isOnlyOneOfItem: Bool
    /// What the entry's own columns say, as a code of its group; 0: nothing.
    package var properties: UInt32

    package init(
        user: UserIndex,
        window: [Interaction],
        index: Int,
        isOnlyOneOfItem: Bool,
        properties: UInt32 = 0
    ) {
        self.properties = properties
        self.user = user
        self.window = window
        self.index = index
        self.isOnlyOneOfItem = isOnlyOneOfItem
    }
}
