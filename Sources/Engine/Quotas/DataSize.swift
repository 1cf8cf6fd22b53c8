import Primitives

/// What a record counts for where a group may have so many bytes: its texts and numbers as they
/// were sent, and a constant for what every record costs.
///
/// Not what it takes on disk or in memory: that is packed, and changes with versions; this is the
/// same before and after a restart.
extension EntityRecord {
    var dataByteCount: Int {
        Limits.recordBytesCounted + id.utf8.count + properties.dataByteCount
            + (createdAt == nil ? 0 : 8)
    }
}

extension EventRecord {
    var dataByteCount: Int {
        Limits.recordBytesCounted + textByteCount + (eventValue == nil ? 0 : 8)
            + properties.dataByteCount
    }

    /// Of all that is text but the properties.
    package var textByteCount: Int {
        var count = eventID.utf8.count + eventType.utf8.count + itemID.utf8.count
        count += recommendationID.utf8.count + attributionSource.utf8.count
        return impression.reduce(count) { $0 + $1.utf8.count }
    }
}

extension RestoredEvent {
    /// The same as that of its record.
    var dataByteCount: Int {
        Limits.recordBytesCounted + textByteCount + (value == nil ? 0 : 8)
            + properties.dataByteCount
    }
}

extension PlannedEvents {
    /// The same for one event of a chunk as for the event that `stored` makes of it.
    func dataByteCount(_ event: PlannedEvent) -> Int {
        if !rests.isEmpty, rests[event.ordinal] != nil { return stored(event).record.dataByteCount }
        return Limits.recordBytesCounted + types[Int(event.typeText)].utf8.count
            + Int(event.itemText.count) + (event.value.isNaN ? 0 : 8)
    }
}

extension RecordProperties {
    fileprivate var dataByteCount: Int {
        values.reduce(0) { sum, value in
            switch value {
            case .null: sum
            case .string(let text): sum + text.utf8.count
            case .integer, .double: sum + 8
            case .boolean: sum + 1
            }
        }
    }
}
