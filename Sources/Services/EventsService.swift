import Engine
package import Journal
package import Primitives
package import RPC
import Resources
package import Serving
import Wire

/// `bowerbird.v1.EventsService`: messages to records, records to the sequencer.
package final class EventsService: Sendable {
    let engine: DatasetEngine
    let sequencer: Sequencer
    let clock: any Clock
    let hash: StableHash
    private let schemas: SchemaCache
    let arenas = ArenaPool()
    let ingests: Pool<Ingest>
    let limits: RecordLimits

    /// Writes by `journal`'s sequencer; `limits` are what the operator lets a call bring.
    package init(journal: Journal, clock: any Clock, limits: RecordLimits) {
        self.limits = limits
        ingests = Pool { Ingest(limits) }
        engine = journal.engine
        schemas = SchemaCache(engine: journal.engine)
        sequencer = journal.sequencer
        hash = journal.hash
        self.clock = clock
    }

    package func add(to router: inout Router) {
        router.unary("/bowerbird.v1.EventsService/PutEvents") { [self] in putEvents($0, $1) }
        router.unary("/bowerbird.v1.EventsService/PutUsers") { [self] in putUsers($0, $1) }
        router.unary("/bowerbird.v1.EventsService/PutItems") { [self] in putItems($0, $1) }
        addRecords(to: &router)
    }

    // MARK: PutEvents

    private func putEvents(_ message: RawSpan, _ call: ServerCall) {
        respond(call) { arena in
            let request = try PutEventsRequestView(unpacking: message, into: arena)
            let (group, tracker) = try target(request)
            let input = Self.input(request)
            let index = try schema(group, .interactions)
            if request.allowPartial {
                let records = try partial(input, group)
                return .putRecords(group: group, tracker: tracker, records)
            }
            let batch = try ingests.with { try $0.checkEvents(input, index, now: clock.now()) }
            return .putEvents(group: group, tracker: tracker, batch)
        } encode: { outcome, writer in
            let response = PutEventsResponseBuilder(into: writer)
            response.position(outcome.position.rawValue)
            response.appliedCount(UInt32(outcome.appliedCount))
            response.duplicateCount(UInt32(outcome.duplicateCount))
            for one in outcome.rejected { response.rejected { Self.encode(one, $0) } }
            for id in outcome.eventIDs { response.eventIDs(id) }
        }
    }

    private func target(
        _ request: borrowing PutEventsRequestView
    ) throws -> (group: ResourceName, tracker: ResourceName?) {
        let group = request.datasetGroup.string
        guard !request.trackingID.isEmpty else {
            let field = group.isEmpty ? "tracking_id" : "dataset_group"
            guard !group.isEmpty else {
                throw Refusal.invalid(field, "is required, or a dataset_group")
            }
            return (try name(group, .datasetGroup, field), nil)
        }
        let id = request.trackingID.string
        guard id.unicodeScalars.count <= 256 else {
            throw Refusal.invalid("tracking_id", "has more than 256 characters")
        }
        guard let tracker = engine.tracker(withID: id) else {
            throw Refusal(
                .resourceNotFound,
                "there is no event tracker with the tracking_id '\(id)'",
                resource: id
            )
        }
        guard group.isEmpty || group == tracker.group.text else {
            throw Refusal.invalid(
                "dataset_group",
                "'\(group)' disagrees with tracking_id, which is of '\(tracker.group)'"
            )
        }
        return (tracker.group, Resource.eventTracker(tracker).resourceName)
    }

    private static func input(_ request: borrowing PutEventsRequestView) -> PutEventsInput {
        var input = PutEventsInput()
        input.userID = request.userID.string
        input.sessionID = request.sessionID.string
        let count = request.eventListCount
        // One more than allowed is enough to refuse the call.
        input.events.reserveCapacity(min(count, Limits.recordsPerCallMax + 1))
        for index in 0..<count {
            input.events.append(event(request.eventList(index)))
        }
        return input
    }

    static func event(_ event: borrowing EventView) -> EventInput {
        var input = EventInput()
        input.eventID = event.eventID.string
        input.eventType = event.eventType.string
        input.eventValue = event.hasEventValue ? event.eventValue : nil
        input.itemID = event.itemID.string
        input.properties = event.properties.string
        for index in 0..<event.typedPropertiesCount {
            input.typed.append(property(event.typedProperties(index)))
        }
        if event.hasSentAt {
            let time = event.sentAt
            input.sentAtSeconds = time.seconds
            input.sentAtNanos = time.nanos
        }
        input.recommendationID = event.recommendationID.string
        for index in 0..<event.impressionCount {
            input.impression.append(event.impression(index).string)
        }
        if event.hasMetricAttribution {
            input.attributionSource = event.metricAttribution.eventAttributionSource.string
        }
        return input
    }

    // MARK: PutUsers, PutItems

    private func putUsers(_ message: RawSpan, _ call: ServerCall) {
        respond(call) { arena in
            let request = try PutUsersRequestView(unpacking: message, into: arena)
            let group = try target(
                dataset: request.dataset.string,
                group: request.datasetGroup.string,
                .users
            )
            var records: [EntityInput] = []
            for index in 0..<request.usersCount {
                records.append(Self.user(request.users(index)))
            }
            return try mutation(records, .users, group, isPartial: request.allowPartial)
        } encode: { outcome, writer in
            let response = PutUsersResponseBuilder(into: writer)
            response.position(outcome.position.rawValue)
            response.appliedCount(UInt32(outcome.appliedCount))
            for one in outcome.rejected { response.rejected { Self.encode(one, $0) } }
        }
    }

    private func putItems(_ message: RawSpan, _ call: ServerCall) {
        respond(call) { arena in
            let request = try PutItemsRequestView(unpacking: message, into: arena)
            let group = try target(
                dataset: request.dataset.string,
                group: request.datasetGroup.string,
                .items
            )
            var records: [EntityInput] = []
            for index in 0..<request.itemsCount {
                records.append(Self.item(request.items(index)))
            }
            return try mutation(records, .items, group, isPartial: request.allowPartial)
        } encode: { outcome, writer in
            let response = PutItemsResponseBuilder(into: writer)
            response.position(outcome.position.rawValue)
            response.appliedCount(UInt32(outcome.appliedCount))
            for one in outcome.rejected { response.rejected { Self.encode(one, $0) } }
        }
    }

    /// The group of a call that names its dataset, or the group itself.
    private func target(
        dataset: String,
        group: String,
        _ kind: DatasetKind
    ) throws -> ResourceName {
        guard !dataset.isEmpty else {
            guard !group.isEmpty else {
                throw Refusal.invalid("dataset", "is required, or a dataset_group")
            }
            return try name(group, .datasetGroup, "dataset_group")
        }
        let name = try name(dataset, .dataset, "dataset")
        guard name.label == kind.collectionLabel, let parent = name.parent else {
            throw Refusal.invalid(
                "dataset",
                "'\(dataset)' is no dataset of \(kind.collectionLabel)"
            )
        }
        guard group.isEmpty || group == parent.text else {
            throw Refusal.invalid(
                "dataset_group",
                "'\(group)' disagrees with dataset, '\(dataset)'"
            )
        }
        return parent
    }

    private func mutation(
        _ records: [EntityInput],
        _ kind: DatasetKind,
        _ group: ResourceName,
        isPartial: Bool
    ) throws -> Mutation {
        let index = try schema(group, kind)
        guard !isPartial else {
            let batch =
                kind == .users
                ? try partial(records.map { .user($0) }, in: .users, group)
                : try partial(records.map { .item($0) }, in: .items, group)
            return .putRecords(group: group, tracker: nil, batch)
        }
        let checked = try ingests.with { try $0.checkEntities(records, index) }
        return kind == .users
            ? .putUsers(group: group, checked) : .putItems(group: group, checked)
    }

    static func user(_ user: borrowing UserView) -> EntityInput {
        var input = EntityInput(id: user.userID.string, properties: user.properties.string)
        for index in 0..<user.typedPropertiesCount {
            input.typed.append(property(user.typedProperties(index)))
        }
        return input
    }

    static func item(_ item: borrowing ItemView) -> EntityInput {
        var input = EntityInput(id: item.itemID.string, properties: item.properties.string)
        for index in 0..<item.typedPropertiesCount {
            input.typed.append(property(item.typedProperties(index)))
        }
        return input
    }

    private static func property(_ property: borrowing TypedPropertyView) -> TypedProperty {
        let value: TypedProperty.Value
        if property.hasStringValue {
            value = .string(property.stringValue.string)
        } else if property.hasInt64Value {
            value = .integer(property.int64Value)
        } else if property.hasDoubleValue {
            value = .double(property.doubleValue)
        } else if property.hasBoolValue {
            value = .boolean(property.boolValue)
        } else if property.hasListValue {
            let list = property.listValue
            value = .list((0..<list.valuesCount).map { list.values($0).string })
        } else {
            value = .null
        }
        return TypedProperty(name: property.name.string, value: value)
    }

    // MARK: Common

    func name(
        _ text: String,
        _ kind: ResourceKind,
        _ field: String
    ) throws -> ResourceName {
        // What is there is well formed.
        let name = ResourceName(unchecked: text)
        if engine.resources.contains(name, kind) { return name }
        return try ResourceName(parsing: text, as: kind, field: field)
    }

    func schema(
        _ group: ResourceName,
        _ kind: DatasetKind
    ) throws -> SchemaIndex {
        guard let index = schemas.index(group, kind) else {
            let name =
                engine.resources[group] == nil
                ? group : group.child("datasets", kind.collectionLabel)
            let noun = engine.resources[group] == nil ? "dataset group" : "dataset"
            throw Refusal.missing(name, noun)
        }
        return index
    }

    /// Makes a mutation, submits it, and answers once it is durable and applied.
    func respond(
        _ call: ServerCall,
        make: (Arena) throws -> Mutation,
        encode: @escaping @Sendable (MutationOutcome, ByteWriter) -> Void
    ) {
        do {
            let mutation = try arenas.withArena { try make($0) }
            let handle = call.handle
            sequencer.submit(mutation) { result, wakes in
                handle.complete(waking: wakes) { call in
                    switch result {
                    case .success(let outcome): call.reply { encode(outcome, $0) }
                    case .failure(let refusal): call.fail(StatusMapping.status(refusal))
                    }
                }
            }
        } catch {
            call.fail(StatusMapping.status(of: error))
        }
    }
}
