package import Primitives
package import Resources

/// A value of one property of a record.
package enum PropertyValue: Hashable, Sendable {
    case null
    case string(String)
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
}

/// The properties of one record, as `Serving.Ingest` checked them against a schema.
package struct RecordProperties: Hashable, Sendable {
    /// By column: the schema's own fields without its reserved ones, in schema order.
    ///
    /// Shorter than the schema when columns were added since: the rest is null.
    package var values: [PropertyValue]
    /// Properties that an open schema did not have yet when the record was checked.
    package var added: [NamedValue]

    package struct NamedValue: Hashable, Sendable {
        package var name: String
        package var value: PropertyValue

        package init(name: String, value: PropertyValue) {
            self.name = name
            self.value = value
        }
    }

    package init(values: [PropertyValue] = [], added: [NamedValue] = []) {
        self.values = values
        self.added = added
    }
}

/// The events of one user, or of one anonymous session, in one call.
package struct EventBatch: Hashable, Sendable {
    /// Empty: the events belong to the session, or to whoever joined it last.
    package var userID: String
    package var sessionID: String
    package var events: [EventRecord]

    package init(userID: String, sessionID: String, events: [EventRecord]) {
        self.userID = userID
        self.sessionID = sessionID
        self.events = events
    }
}

/// One user or item with all its properties; replaces the record of the same id as a whole.
package struct EntityRecord: Hashable, Sendable {
    package var id: String
    package var properties: RecordProperties
    /// `CREATION_TIMESTAMP` of an item, where its schema has it.
    package var createdAt: Timestamp?

    package init(id: String, properties: RecordProperties, createdAt: Timestamp? = nil) {
        self.id = id
        self.properties = properties
        self.createdAt = createdAt
    }
}

/// Some properties of a user or an item; the others stay as they are.
package struct EntityUpdate: Hashable, Sendable {
    package var id: String
    /// The new values, by column as in a record; `named` says which of them count.
    package var properties: RecordProperties
    /// The columns to change, by place; one without a value becomes null.
    package var named: [Int]
    /// What becomes of `CREATION_TIMESTAMP`: nothing (`nil`), removed, or set.
    package var createdAt: Timestamp??

    package init(
        id: String,
        properties: RecordProperties,
        named: [Int],
        createdAt: Timestamp?? = nil
    ) {
        self.id = id
        self.properties = properties
        self.named = named
        self.createdAt = createdAt
    }
}

/// What a caller wants to change, before the planner has decided what that means.
package enum Mutation: Sendable {
    /// Whether it adds records; what deletes, or changes resources, is taken when memory is short.
    package var addsRecords: Bool {
        switch self {
        case .putEvents, .putRecords, .putUsers, .putItems, .job(.chunk): true
        case .createResources, .updateResource, .deleteResource, .delete, .mergeUsers, .job: false
        }
    }

    /// Through a tracker (its resource name), or addressed to the group directly (`nil`).
    case putEvents(group: ResourceName, tracker: ResourceName?, EventBatch)
    /// Records of any kind, in order.
    case putRecords(group: ResourceName, tracker: ResourceName?, RecordBatch)
    case putUsers(group: ResourceName, [EntityRecord])
    case putItems(group: ResourceName, [EntityRecord])
    /// All or none; parents before children. Group indices are assigned by the planner. With a
    /// request id, the same resources again within 24 h answer as the first time.
    case createResources([Resource], requestID: String)
    /// Replaces a resource whose revision is still `Resource.header.revision - 1`.
    case updateResource(Resource)
    case deleteResource(ResourceName, etag: UInt64?)
    /// Deletes what it names, with all that depends on it.
    case delete(group: ResourceName, Deletion)
    /// Makes one user of two: `merged` is another name of `kept` from then on.
    case mergeUsers(group: ResourceName, merged: String, kept: String)
    /// The next step of a job.
    case job(JobStep)
}
