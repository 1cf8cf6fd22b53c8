import Control
import Engine
package import Journal
package import Primitives
package import RPC
import Resources
import Serving
import Wire

/// `bowerbird.v1.RecordsService`: single records, read and changed.
///
/// What is in memory is answered on the call's reactor; pages are read from disk by `workers`.
package final class RecordsService: Sendable {
    let events: EventsService
    let reads: RecordReads
    private let workers: WorkerPool
    private let tokens: PageToken
    private let arenas = ArenaPool()

    /// - Parameters:
    ///   - journal: Where the records are.
    ///   - events: Checks and submits what changes records.
    ///   - workers: Read pages from disk.
    package init(journal: Journal, events: EventsService, workers: WorkerPool) {
        self.events = events
        self.workers = workers
        reads = RecordReads(journal: journal)
        tokens = PageToken(hash: journal.hash)
    }

    package func add(to router: inout Router) {
        let path = "/bowerbird.v1.RecordsService/"
        router.unary(path + "GetUser") { [self] in getUser($0, $1) }
        router.unary(path + "GetItem") { [self] in getItem($0, $1) }
        router.unary(path + "ListUsers") { [self] in listUsers($0, $1) }
        router.unary(path + "ListItems") { [self] in listItems($0, $1) }
        router.unary(path + "ListInteractions") { [self] in listInteractions($0, $1) }
        router.unary(path + "UpdateUser") { [self] in updateUser($0, $1) }
        router.unary(path + "UpdateItem") { [self] in updateItem($0, $1) }
        addDeletions(to: &router)
    }

    // MARK: One record

    private func getUser(_ message: RawSpan, _ call: ServerCall) {
        answer(call) { arena in
            let request = try GetUserRequestView(unpacking: message, into: arena)
            let name = try events.group(request.datasetGroup.string)
            let id = try Self.id(request.userID.string, "user_id")
            let position = reads.position
            let record = try reads.user(id, of: try reads.group(name))
            let properties = reads.properties(of: name, .users).text(record)
            return { writer in
                let response = GetUserResponseBuilder(into: writer)
                response.user { user in
                    // A merged user's id is not the one of its record.
                    user.userID(record.id)
                    user.properties(properties)
                }
                response.position(position.rawValue)
            }
        }
    }

    private func getItem(_ message: RawSpan, _ call: ServerCall) {
        answer(call) { arena in
            let request = try GetItemRequestView(unpacking: message, into: arena)
            let name = try events.group(request.datasetGroup.string)
            let id = try Self.id(request.itemID.string, "item_id")
            let position = reads.position
            let record = try reads.item(id, of: try reads.group(name))
            let properties = reads.properties(of: name, .items).text(record)
            return { writer in
                let response = GetItemResponseBuilder(into: writer)
                response.item { item in
                    item.itemID(id)
                    item.properties(properties)
                }
                response.position(position.rawValue)
            }
        }
    }

    static func id(_ text: String, _ field: String) throws(Refusal) -> String {
        guard !text.isEmpty else { throw .invalid(field, "is required; 1 to 256 characters") }
        let count = text.unicodeScalars.count
        guard count <= Limits.identifierCharactersMax else {
            throw .invalid(field, "has \(count) characters; at most 256 are allowed")
        }
        return text
    }

    // MARK: Pages

    private func listUsers(_ message: RawSpan, _ call: ServerCall) {
        list(call) { arena in
            let request = try ListUsersRequestView(unpacking: message, into: arena)
            return try entities(
                .users,
                try events.group(request.datasetGroup.string),
                request.pageSize,
                request.pageToken.string
            ) { page, writer in
                let response = ListUsersResponseBuilder(into: writer)
                for one in page.records {
                    response.users { user in
                        user.userID(one.id)
                        user.properties(one.properties)
                    }
                }
                response.nextPageToken(page.nextToken)
                response.position(page.position.rawValue)
            }
        }
    }

    private func listItems(_ message: RawSpan, _ call: ServerCall) {
        list(call) { arena in
            let request = try ListItemsRequestView(unpacking: message, into: arena)
            return try entities(
                .items,
                try events.group(request.datasetGroup.string),
                request.pageSize,
                request.pageToken.string
            ) { page, writer in
                let response = ListItemsResponseBuilder(into: writer)
                for one in page.records {
                    response.items { item in
                        item.itemID(one.id)
                        item.properties(one.properties)
                    }
                }
                response.nextPageToken(page.nextToken)
                response.position(page.position.rawValue)
            }
        }
    }

    /// One page of users or items.
    private struct EntityPage {
        var records: [(id: String, properties: String)] = []
        var nextToken = ""
        var position = LogPosition.zero
    }

    /// What a worker does for a page of users or items.
    private func entities(
        _ kind: DatasetKind,
        _ name: ResourceName,
        _ pageSize: Int32,
        _ pageToken: String,
        _ encode: @escaping @Sendable (EntityPage, ByteWriter) -> Void
    ) throws -> Work {
        let list = "\(kind.collectionLabel) of \(name)"
        let last = UInt32(try tokens.name(in: pageToken, list: list))
        let count = try ControlPlane.pageSize(pageSize)
        let group = try reads.group(name)
        return { [self] () throws(Refusal) in
            var page = EntityPage()
            page.position = reads.position
            let texts = reads.properties(of: name, kind)
            let found = try reads.entities(
                kind,
                of: group,
                named: name,
                after: last,
                count: count
            )
            for one in found.prefix(count) {
                page.records.append((one.record.id, texts.text(one.record)))
            }
            if found.count > count {
                page.nextToken = tokens.text(list: list, after: "\(found[count - 1].index)")
            }
            let whole = page
            return { encode(whole, $0) }
        }
    }

    private func listInteractions(_ message: RawSpan, _ call: ServerCall) {
        list(call) { arena in
            let request = try ListInteractionsRequestView(unpacking: message, into: arena)
            let name = try events.group(request.datasetGroup.string)
            let whom = try Self.whom(request)
            let list = "interactions of \(whom) in \(name)"
            let place = try Self.place(try tokens.name(in: request.pageToken.string, list: list))
            let count = try ControlPlane.pageSize(request.pageSize)
            let group = try reads.group(name)
            return { [self] () throws(Refusal) in
                let position = reads.position
                let texts = reads.properties(of: name, .interactions)
                let found = try reads.interactions(
                    of: whom,
                    in: group,
                    named: name,
                    before: place,
                    count: count
                )
                let next =
                    found.count > count
                    ? tokens.text(list: list, after: Self.text(found[count - 1].place)) : ""
                return { writer in
                    let response = ListInteractionsResponseBuilder(into: writer)
                    for one in found.prefix(count) {
                        response.interactions { Self.encode(one, texts, $0) }
                    }
                    response.nextPageToken(next)
                    response.position(position.rawValue)
                }
            }
        }
    }

    private static func whom(
        _ request: borrowing ListInteractionsRequestView
    ) throws(Refusal) -> InteractionsOf {
        let (user, session) = (request.userID.string, request.sessionID.string)
        let item = request.itemID.string
        switch (user.isEmpty, session.isEmpty, item.isEmpty) {
        case (false, true, true): return .user(try id(user, "user_id"))
        case (true, false, true): return .session(try id(session, "session_id"))
        case (true, true, false): return .item(try id(item, "item_id"))
        default:
            throw .invalid("user_id", "exactly one of user_id, session_id and item_id is required")
        }
    }

    /// A place as a page token holds it.
    private static func text(_ place: EventPlace) -> String {
        "\(place.time.milliseconds)-\(place.owner.rawValue)-\(place.position.rawValue)-"
            + "\(place.ordinal)"
    }

    private static func place(_ text: String) throws(Refusal) -> EventPlace? {
        guard !text.isEmpty else { return nil }
        let parts = text.split(separator: "-")
        guard parts.count == 4, let time = Int64(parts[0]), let owner = UInt32(parts[1]),
            let position = UInt64(parts[2]), let ordinal = UInt16(parts[3])
        else { throw .invalid("page_token", "is not one that this list returned") }
        return EventPlace(
            owner: UserIndex(owner),
            time: Timestamp(milliseconds: time),
            position: LogPosition(position),
            ordinal: ordinal
        )
    }

    private static func encode(
        _ one: ReadInteraction,
        _ texts: PropertyText,
        _ message: InteractionBuilder
    ) {
        message.userID(one.userID)
        message.sessionID(one.sessionID)
        message.event { event in
            event.eventID(one.eventID)
            event.eventType(one.record.eventType)
            if let value = one.record.eventValue { event.eventValue(value) }
            event.itemID(one.record.itemID)
            event.properties(texts.text(one.record.properties))
            event.sentAt { $0.set(one.record.occurredAt) }
            event.recommendationID(one.record.recommendationID)
            for item in one.record.impression { event.impression(item) }
            if !one.record.attributionSource.isEmpty {
                event.metricAttribution {
                    $0.eventAttributionSource(one.record.attributionSource)
                }
            }
        }
    }

    // MARK: The ways of an answer

    /// What a worker does; its result writes the answer.
    private typealias Work =
        @Sendable () throws(Refusal) -> @Sendable (ByteWriter) -> Void

    /// Answers at once, from memory.
    private func answer(
        _ call: ServerCall,
        _ body: (Arena) throws -> (ByteWriter) -> Void
    ) {
        do {
            let encode = try arenas.withArena { try body($0) }
            call.reply { encode($0) }
        } catch {
            call.fail(StatusMapping.status(of: error))
        }
    }

    /// Checks on the reactor, reads on a worker, answers on the reactor.
    private func list(_ call: ServerCall, _ check: (Arena) throws -> Work) {
        do {
            let work = try arenas.withArena { try check($0) }
            try workers.answer(
                call,
                full: "\(Limits.pendingReadsMax) reads are waiting, which is the limit",
                work
            )
        } catch {
            call.fail(StatusMapping.status(of: error))
        }
    }
}

/// Changes of single records.
extension RecordsService {
    private func updateUser(_ message: RawSpan, _ call: ServerCall) {
        events.respond(call) { arena in
            let request = try UpdateUserRequestView(unpacking: message, into: arena)
            let input =
                request.hasUser
                ? EventsService.user(request.user) : EntityInput(id: "", properties: "")
            return try update(.userUpdate(input), .user, request.datasetGroup.string)
        } encode: { outcome, writer in
            UpdateUserResponseBuilder(into: writer).position(outcome.position.rawValue)
        }
    }

    private func updateItem(_ message: RawSpan, _ call: ServerCall) {
        events.respond(call) { arena in
            let request = try UpdateItemRequestView(unpacking: message, into: arena)
            let input =
                request.hasItem
                ? EventsService.item(request.item) : EntityInput(id: "", properties: "")
            return try update(.itemUpdate(input), .item, request.datasetGroup.string)
        } encode: { outcome, writer in
            UpdateItemResponseBuilder(into: writer).position(outcome.position.rawValue)
        }
    }

    private func update(
        _ input: RecordInput,
        _ list: RecordBatch.List,
        _ groupName: String
    ) throws -> Mutation {
        let group = try events.group(groupName)
        let batch = try events.check([input], in: list, group, isPartial: false, countMax: 1)
        return .putRecords(group: group, tracker: nil, batch)
    }
}
