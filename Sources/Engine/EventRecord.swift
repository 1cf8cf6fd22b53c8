package import Primitives

/// One event of a `PutEvents` call.
///
/// A value in one reference, copied when it is changed while shared: on its way from the call to
/// the disk an event is handed on some ten times, and each copy of its nine fields would count six
/// references.
package struct EventRecord: Hashable, Sendable {
    private struct Fields: Hashable, Sendable {
        var eventID: String
        var eventType: String
        var eventValue: Double?
        var itemID: String
        var occurredAt: Timestamp
        var recommendationID: String
        var impression: [String]
        var attributionSource: String
        var properties: RecordProperties
    }

    /// SAFETY of `@unchecked`: changed only while one value alone refers to it.
    private final class Storage: @unchecked Sendable {
        var fields: Fields

        init(_ fields: Fields) {
            self.fields = fields
        }
    }

    private var storage: Storage

    package init(
        eventID: String = "",
        eventType: String,
        eventValue: Double? = nil,
        itemID: String = "",
        occurredAt: Timestamp,
        recommendationID: String = "",
        impression: [String] = [],
        attributionSource: String = "",
        properties: RecordProperties = RecordProperties()
    ) {
        storage = Storage(
            Fields(
                eventID: eventID,
                eventType: eventType,
                eventValue: eventValue,
                itemID: itemID,
                occurredAt: occurredAt,
                recommendationID: recommendationID,
                impression: impression,
                attributionSource: attributionSource,
                properties: properties
            )
        )
    }

    private mutating func makeUnique() {
        if !isKnownUniquelyReferenced(&storage) { storage = Storage(storage.fields) }
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.storage === right.storage || left.storage.fields == right.storage.fields
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(storage.fields)
    }
}

extension EventRecord {
    /// Given by the client, or empty: then one is generated from the row's key.
    package var eventID: String {
        get { storage.fields.eventID }
        set {
            makeUnique()
            storage.fields.eventID = newValue
        }
    }

    package var eventType: String {
        get { storage.fields.eventType }
        set {
            makeUnique()
            storage.fields.eventType = newValue
        }
    }

    package var eventValue: Double? {
        get { storage.fields.eventValue }
        set {
            makeUnique()
            storage.fields.eventValue = newValue
        }
    }

    /// Empty: the event is stored and takes no part in recommendations.
    package var itemID: String {
        get { storage.fields.itemID }
        set {
            makeUnique()
            storage.fields.itemID = newValue
        }
    }

    package var occurredAt: Timestamp {
        get { storage.fields.occurredAt }
        set {
            makeUnique()
            storage.fields.occurredAt = newValue
        }
    }

    package var recommendationID: String {
        get { storage.fields.recommendationID }
        set {
            makeUnique()
            storage.fields.recommendationID = newValue
        }
    }

    package var impression: [String] {
        get { storage.fields.impression }
        set {
            makeUnique()
            storage.fields.impression = newValue
        }
    }

    package var attributionSource: String {
        get { storage.fields.attributionSource }
        set {
            makeUnique()
            storage.fields.attributionSource = newValue
        }
    }

    package var properties: RecordProperties {
        get { storage.fields.properties }
        _modify {
            makeUnique()
            yield &storage.fields.properties
        }
    }
}
