package import Primitives
import Resources

/// What the engine keeps of a stored event, without what only its row has.
package struct RestoredEvent: Hashable, Sendable {
    package var position: LogPosition
    package var ordinal: UInt16
    /// `nil`: it takes no part in histories, and is counted.
    package var item: ItemIndex?
    package var type: EventTypeIndex
    package var occurredAt: Timestamp
    package var value: Double?
    package var properties: RecordProperties
    /// Of all that is text in its record but the properties.
    package var textByteCount: Int
    /// See `StoredEvent.generation`.
    package var generation: UInt32

    package init(
        position: LogPosition,
        ordinal: UInt16,
        item: ItemIndex?,
        type: EventTypeIndex,
        occurredAt: Timestamp,
        value: Double?,
        properties: RecordProperties,
        textByteCount: Int,
        generation: UInt32
    ) {
        self.position = position
        self.ordinal = ordinal
        self.item = item
        self.type = type
        self.occurredAt = occurredAt
        self.value = value
        self.properties = properties
        self.textByteCount = textByteCount
        self.generation = generation
    }
}

extension GroupStore {
    /// The same as `storeEvent` one by one, but that nobody is told.
    ///
    /// O(events) where each is newer than all that the history has.
    func restore(_ owner: UserIndex, _ events: [RestoredEvent]) {
        let active = bulk[.interactions]?.active
        let staging = bulk[.interactions]?.staging
        withOwner(owner) { state, slot in
            for event in events {
                let isVisible = event.generation == 0 || event.generation == active
                guard let item = event.item else {
                    if isVisible { itemless.add(event.dataByteCount) }
                    continue
                }
                if let deletion = itemDeletions[item], event.position <= deletion { continue }
                let interaction = Interaction(
                    item: item,
                    type: event.type,
                    occurredAt: event.occurredAt
                )
                let entry = HistoryEntry(
                    packed: PackedInteraction(interaction, isBulk: event.generation != 0),
                    value: event.value ?? .nan,
                    properties: eventProperties.insert(event.properties.values)
                )
                if isVisible {
                    count(entry, bytes: event.dataByteCount)
                    state.insert(entry, into: &state.owners[slot].history, max: historyLengthMax)
                } else if event.generation == staging {
                    countStaged(entry, bytes: event.dataByteCount)
                    state.insert(
                        entry,
                        into: &state.staged[slot, default: HistorySlot()],
                        max: historyLengthMax
                    )
                }
            }
        }
    }
}
