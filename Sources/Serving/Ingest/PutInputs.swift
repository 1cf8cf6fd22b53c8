/// A `PutEvents` call as it came, before anything was checked.
package struct PutEventsInput: Sendable {
    package var userID = ""
    package var sessionID = ""
    package var events: [EventInput] = []

    package init() {}
}

/// One event as it came; an absent text is empty.
package struct EventInput: Sendable {
    package var eventID = ""
    package var eventType = ""
    package var eventValue: Double?
    package var itemID = ""
    package var properties = ""
    /// Absent: `nil`.
    package var sentAtSeconds: Int64?
    package var sentAtNanos: Int32 = 0
    package var recommendationID = ""
    package var impression: [String] = []
    /// `nil`: no metric attribution.
    package var attributionSource: String?

    package init() {}
}

/// One user or item as it came.
package struct EntityInput: Sendable {
    package var id: String
    package var properties: String

    package init(id: String, properties: String) {
        self.id = id
        self.properties = properties
    }
}
