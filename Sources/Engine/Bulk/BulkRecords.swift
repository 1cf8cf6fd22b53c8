package import Primitives
package import Resources

/// A part of the text that the rows of a chunk share.
package struct TextRange: Hashable, Sendable {
    package var start: UInt32
    package var count: UInt32

    package init(start: Int, count: Int) {
        self.start = UInt32(start)
        self.count = UInt32(count)
    }

    package var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
}

/// The events of some rows of a file, by column, so that a row costs no allocation.
package struct BulkEvents: Hashable, Sendable {
    package struct Row: Hashable, Sendable {
        package var user: TextRange
        package var item: TextRange
        /// Into `types`.
        package var type: UInt16
        /// The place of the row in its chunk; part of the event's key.
        package var ordinal: UInt16
        package var milliseconds: Int64
        /// NaN: none.
        package var value: Double

        package init(
            user: TextRange,
            item: TextRange,
            type: UInt16,
            ordinal: UInt16,
            milliseconds: Int64,
            value: Double = .nan
        ) {
            self.user = user
            self.item = item
            self.type = type
            self.ordinal = ordinal
            self.milliseconds = milliseconds
            self.value = value
        }
    }

    /// What few events have: everything but the fields of `Row`, whose twins here are unused.
    package typealias Rest = EventRecord

    package var text: [UInt8] = []
    package var rows: [Row] = []
    /// The event types as the file spells them.
    package var types: [String] = []
    /// By ordinal.
    package var rests: [UInt16: Rest] = [:]

    package init() {}
}

/// Some rows of a file.
package enum BulkRecords: Sendable {
    case events(BulkEvents)
    case entities(DatasetKind, [EntityRecord])
    /// The ids of users who are to be deleted.
    case deletions([String])
}

/// One event, planned: everything by index.
package struct PlannedEvent: Hashable, Sendable {
    package var owner: UserIndex
    package var item: ItemIndex
    package var type: EventTypeIndex
    /// Into the chunk's `types`.
    package var typeText: UInt16
    package var ordinal: UInt16
    package var itemText: TextRange
    package var milliseconds: Int64
    /// NaN: none.
    package var value: Double

    var interaction: Interaction {
        Interaction(
            item: item,
            type: type,
            occurredAt: Timestamp(milliseconds: milliseconds)
        )
    }
}

/// The new events of a chunk, sorted by owner and time, as their rows will be.
package struct PlannedEvents: Hashable, Sendable {
    package var position: LogPosition
    package var generation: UInt32
    package var text: [UInt8]
    package var types: [String]
    package var events: [PlannedEvent]
    /// By ordinal.
    package var rests: [UInt16: BulkEvents.Rest]

    /// One event as every other reader of the store gets it.
    package func stored(_ event: PlannedEvent) -> StoredEvent {
        var record =
            rests[event.ordinal]
            ?? EventRecord(eventType: "", occurredAt: Timestamp(milliseconds: 0))
        record.eventType = types[Int(event.typeText)]
        record.itemID = String(decoding: text[event.itemText.range], as: UTF8.self)
        record.occurredAt = Timestamp(milliseconds: event.milliseconds)
        record.eventValue = event.value.isNaN ? nil : event.value
        return StoredEvent(
            position: position,
            ordinal: event.ordinal,
            item: event.item,
            type: event.type,
            record: record,
            session: nil,
            generation: generation
        )
    }
}
