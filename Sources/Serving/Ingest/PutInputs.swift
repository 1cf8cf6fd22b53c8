import Formats

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
    package var typed: [TypedProperty] = []
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
    package var typed: [TypedProperty]

    package init(id: String, properties: String, typed: [TypedProperty] = []) {
        self.id = id
        self.properties = properties
        self.typed = typed
    }
}

/// A property that came without JSON.
package struct TypedProperty: Hashable, Sendable {
    package var name: String
    package var value: Value

    package init(name: String, value: Value) {
        self.name = name
        self.value = value
    }

    package enum Value: Hashable, Sendable {
        case null
        case string(String)
        case integer(Int64)
        case double(Double)
        case boolean(Bool)
        case list([String])
    }

    /// As many characters as count against the bound of a record's properties.
    var characterCount: Int {
        let value =
            switch value {
            case .null, .boolean: 1
            case .integer, .double: 8
            case .string(let text): text.unicodeScalars.count
            case .list(let texts): texts.reduce(0) { $0 + $1.unicodeScalars.count + 1 }
            }
        return name.unicodeScalars.count + value
    }

    /// The same as JSON would have it; a list as one text with `|` between its values.
    var json: JSONValue {
        switch value {
        case .null: .null
        case .string(let text): .string(text)
        case .integer(let number): .integer(number)
        case .double(let number): .double(number)
        case .boolean(let flag): .boolean(flag)
        case .list(let texts): texts.isEmpty ? .null : .string(texts.joined(separator: "|"))
        }
    }
}
