internal import Primitives
internal import Wire

/// One thing that somebody did.
public struct Event: Hashable, Sendable {
    /// What was done.
    public var type: String
    /// What it was done to.
    public var itemID: String
    /// When, in milliseconds since 1970.
    public var sentAtMS: Int64
    /// How much it was worth.
    public var value: Double?
    /// Own columns as a JSON object; empty for none.
    public var properties: String
    /// Own columns without JSON; none of them in `properties`, too.
    public var typed: [String: TypedValue]
    /// Its id; empty for a generated one.
    ///
    /// The same id and body again is a duplicate.
    public var id: String
    /// Which recommendations led to it; empty for none.
    public var recommendationID: String
    /// The items that were shown beside it.
    public var impression: [String]
    /// Where the credit goes; empty for nowhere.
    public var attributionSource: String

    /// Makes an event.
    public init(
        type: String,
        itemID: String,
        sentAtMS: Int64,
        value: Double? = nil,
        properties: String = "",
        typed: [String: TypedValue] = [:],
        id: String = "",
        recommendationID: String = "",
        impression: [String] = [],
        attributionSource: String = ""
    ) {
        self.type = type
        self.itemID = itemID
        self.sentAtMS = sentAtMS
        self.value = value
        self.properties = properties
        self.typed = typed
        self.id = id
        self.recommendationID = recommendationID
        self.impression = impression
        self.attributionSource = attributionSource
    }
}

extension Event {
    func encode(into message: EventBuilder) {
        message.eventID(id)
        message.eventType(type)
        if let value { message.eventValue(value) }
        message.itemID(itemID)
        message.properties(properties)
        typed.encode { message.typedProperties($0) }
        message.sentAt { time in
            time.seconds(sentAtMS / 1_000)
            time.nanos(Int32(sentAtMS % 1_000) * 1_000_000)
        }
        message.recommendationID(recommendationID)
        for item in impression { message.impression(item) }
        if !attributionSource.isEmpty {
            message.metricAttribution { $0.eventAttributionSource(attributionSource) }
        }
    }

    init(_ view: borrowing EventView) {
        let source =
            view.hasMetricAttribution
            ? view.metricAttribution.eventAttributionSource.string : ""
        let milliseconds =
            view.hasSentAt ? view.sentAt.seconds * 1_000 + Int64(view.sentAt.nanos / 1_000_000) : 0
        self.init(
            type: view.eventType.string,
            itemID: view.itemID.string,
            sentAtMS: milliseconds,
            value: view.hasEventValue ? view.eventValue : nil,
            properties: view.properties.string,
            id: view.eventID.string,
            recommendationID: view.recommendationID.string,
            impression: (0..<view.impressionCount).map { view.impression($0).string },
            attributionSource: source
        )
    }
}

/// A user or an item with its columns.
public struct Record: Hashable, Sendable {
    /// The identifier.
    public var id: String
    /// The columns as a JSON object; empty for none.
    public var properties: String
    /// Columns without JSON; none of them in `properties`, too.
    ///
    /// What is read has none.
    public var typed: [String: TypedValue]

    /// Makes a record.
    public init(id: String, properties: String = "", typed: [String: TypedValue] = [:]) {
        self.id = id
        self.properties = properties
        self.typed = typed
    }
}

/// What became of a write.
public struct WriteResult: Hashable, Sendable {
    /// Whoever has seen this position sees the write.
    public var position: UInt64
    /// Records that were added or replaced.
    public var appliedCount: Int
    /// Events that were known already.
    public var duplicateCount: Int
}

extension BowerbirdClient {
    /// Appends events of one user.
    public func putEvents(
        _ events: [Event],
        userID: String,
        sessionID: String,
        group: String
    ) async throws(ClientError) -> WriteResult {
        try await call(
            "/bowerbird.v1.EventsService/PutEvents",
            { writer in
                let request = PutEventsRequestBuilder(into: writer)
                request.datasetGroup(group)
                request.userID(userID)
                request.sessionID(sessionID)
                for event in events {
                    request.eventList { event.encode(into: $0) }
                }
            }
        ) { (bytes, arena) throws(WireError) in
            let response = try PutEventsResponseView(unpacking: bytes, into: arena)
            return WriteResult(
                position: response.position,
                appliedCount: Int(response.appliedCount),
                duplicateCount: Int(response.duplicateCount)
            )
        }
    }

    /// Adds or replaces items.
    public func putItems(
        _ items: [Record],
        group: String
    ) async throws(ClientError) -> WriteResult {
        try await call(
            "/bowerbird.v1.EventsService/PutItems",
            { writer in
                let request = PutItemsRequestBuilder(into: writer)
                request.datasetGroup(group)
                for item in items {
                    request.items { item.encode(into: $0) }
                }
            }
        ) { (bytes, arena) throws(WireError) in
            let response = try PutItemsResponseView(unpacking: bytes, into: arena)
            return WriteResult(
                position: response.position,
                appliedCount: Int(response.appliedCount),
                duplicateCount: 0
            )
        }
    }

    /// Adds or replaces users.
    public func putUsers(
        _ users: [Record],
        group: String
    ) async throws(ClientError) -> WriteResult {
        try await call(
            "/bowerbird.v1.EventsService/PutUsers",
            { writer in
                let request = PutUsersRequestBuilder(into: writer)
                request.datasetGroup(group)
                for user in users {
                    request.users { user.encode(into: $0) }
                }
            }
        ) { (bytes, arena) throws(WireError) in
            let response = try PutUsersResponseView(unpacking: bytes, into: arena)
            return WriteResult(
                position: response.position,
                appliedCount: Int(response.appliedCount),
                duplicateCount: 0
            )
        }
    }
}
