import ArgumentParser
import BowerbirdClient
import Foundation

/// What a single record is.
enum RecordKind: String, ExpressibleByArgument, CaseIterable {
    case user, item
}

/// `bowerbird get`: one record.
struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Shows a user or an item as it was put."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group.") var group: String
    @Argument(help: "user or item.") var kind: RecordKind
    @Argument(help: "Its id.") var id: String
    @Option(help: "table, json, jsonl or csv.") var output = OutputForm.table

    func run() async throws {
        let client = try server.client()
        let record =
            kind == .user
            ? try await client.user(id, group: groupName(group))
            : try await client.item(id, group: groupName(group))
        client.close()
        RecordPrinter(kind: kind, output: output).print([record], isOne: true)
    }
}

/// `bowerbird update`: some properties of one record.
struct UpdateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Changes some properties of a user or an item and leaves the others."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group.") var group: String
    @Argument(help: "user or item.") var kind: RecordKind
    @Argument(help: "Its id.") var id: String
    @Argument(help: "The properties to change as a JSON object; null removes one.")
    var properties: String

    func run() async throws {
        let client = try server.client()
        let record = Record(id: id, properties: properties)
        let position =
            kind == .user
            ? try await client.updateUser(record, group: groupName(group))
            : try await client.updateItem(record, group: groupName(group))
        client.close()
        print("position \(position)")
    }
}

/// What can be listed.
enum ListKind: String, ExpressibleByArgument, CaseIterable {
    case users, items, interactions
}

/// `bowerbird list`: records, page after page.
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists users, items, or the interactions of a user, a session or an item.",
        discussion: "Users and items in the order of their first appearance; interactions newest "
            + "first."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group.") var group: String
    @Argument(help: "users, items or interactions.") var kind: ListKind
    @Option(help: "The interactions of this user.") var user: String?
    @Option(help: "The interactions of this session.") var session: String?
    @Option(help: "The interactions on this item.") var item: String?
    @Option(help: "At most so many; 0 for all.") var limit = 100
    @Option(help: "table, json, jsonl or csv.") var output = OutputForm.table

    private var whom: [InteractionList] {
        [user.map { .user($0) }, session.map { .session($0) }, item.map { .item($0) }]
            .compactMap(\.self)
    }

    func validate() throws {
        if kind == .interactions, whom.count != 1 {
            throw ValidationError("give one of --user, --session and --item")
        }
        if kind != .interactions, !whom.isEmpty {
            throw ValidationError("--user, --session and --item are for interactions")
        }
        if limit < 0 { throw ValidationError("--limit is \(limit); 0 or more is allowed") }
    }

    func run() async throws {
        let client = try server.client()
        let group = groupName(group)
        switch kind {
        case .users:
            let found = try await all { size, token in
                try await client.listUsers(group: group, pageSize: size, pageToken: token)
            }
            RecordPrinter(kind: .user, output: output).print(found)
        case .items:
            let found = try await all { size, token in
                try await client.listItems(group: group, pageSize: size, pageToken: token)
            }
            RecordPrinter(kind: .item, output: output).print(found)
        case .interactions:
            let list = whom[0]
            let found = try await all { size, token in
                try await client.listInteractions(
                    of: list,
                    group: group,
                    pageSize: size,
                    pageToken: token
                )
            }
            InteractionPrinter(output: output).print(found)
        }
        client.close()
    }

    private func all<Element: Sendable>(
        _ page: (Int, String) async throws -> Page<Element>
    ) async throws -> [Element] {
        var found: [Element] = []
        var token = ""
        repeat {
            let size = limit == 0 ? 1_000 : min(1_000, limit - found.count)
            let next = try await page(size, token)
            found += next.elements
            token = next.nextPageToken
        } while !token.isEmpty && (limit == 0 || found.count < limit)
        return found
    }
}

/// Prints users or items.
struct RecordPrinter {
    let kind: RecordKind
    let output: OutputForm

    func print(_ records: [Record], isOne: Bool = false) {
        switch output {
        case .table:
            for record in records { Swift.print("\(record.id)\t\(record.properties)") }
        case .json where isOne: for record in records { Swift.print(json(record)) }
        case .json: Swift.print("[\(records.map(json).joined(separator: ","))]")
        case .jsonl: for record in records { Swift.print(json(record)) }
        case .csv:
            Swift.print(kind == .user ? "USER_ID,PROPERTIES" : "ITEM_ID,PROPERTIES")
            for record in records { Swift.print("\(cell(record.id)),\(cell(record.properties))") }
        }
    }

    private func json(_ record: Record) -> String {
        let properties = record.properties.isEmpty ? "{}" : record.properties
        return "{\"\(kind)Id\":\(quoted(record.id)),\"properties\":\(properties)}"
    }
}

/// Prints interactions.
struct InteractionPrinter {
    let output: OutputForm

    func print(_ interactions: [Interaction]) {
        switch output {
        case .table:
            for one in interactions {
                Swift.print(
                    "\(time(one))\t\(one.event.type)\t\(one.event.itemID)\t\(one.userID)\t"
                        + "\(one.sessionID)\t\(one.event.id)"
                )
            }
        case .json: Swift.print("[\(interactions.map(json).joined(separator: ","))]")
        case .jsonl: for one in interactions { Swift.print(json(one)) }
        case .csv:
            Swift.print(
                "USER_ID,SESSION_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,EVENT_ID,IMPRESSION,"
                    + "RECOMMENDATION_ID,EVENT_ATTRIBUTION_SOURCE,PROPERTIES"
            )
            for one in interactions { Swift.print(csv(one)) }
        }
    }

    /// In seconds, with milliseconds where there are any.
    private func time(_ one: Interaction) -> String {
        let milliseconds = one.event.sentAtMS % 1_000
        let seconds = "\(one.event.sentAtMS / 1_000)"
        guard milliseconds != 0 else { return seconds }
        return seconds + "." + String("\(1_000 + milliseconds)".dropFirst())
    }

    private func csv(_ one: Interaction) -> String {
        let event = one.event
        return [
            cell(one.userID), cell(one.sessionID), cell(event.itemID), time(one), cell(event.type),
            event.value.map { "\($0)" } ?? "", cell(event.id),
            cell(event.impression.joined(separator: "|")), cell(event.recommendationID),
            cell(event.attributionSource), cell(event.properties),
        ].joined(separator: ",")
    }

    private func json(_ one: Interaction) -> String {
        let event = one.event
        var members = [
            "\"userId\":\(quoted(one.userID))", "\"sessionId\":\(quoted(one.sessionID))",
            "\"eventId\":\(quoted(event.id))", "\"eventType\":\(quoted(event.type))",
            "\"itemId\":\(quoted(event.itemID))", "\"sentAt\":\(time(one))",
        ]
        if let value = event.value { members.append("\"eventValue\":\(value)") }
        if !event.impression.isEmpty {
            let items = event.impression.map(quoted).joined(separator: ",")
            members.append("\"impression\":[\(items)]")
        }
        if !event.recommendationID.isEmpty {
            members.append("\"recommendationId\":\(quoted(event.recommendationID))")
        }
        if !event.attributionSource.isEmpty {
            members.append("\"eventAttributionSource\":\(quoted(event.attributionSource))")
        }
        if !event.properties.isEmpty { members.append("\"properties\":\(event.properties)") }
        return "{\(members.joined(separator: ","))}"
    }
}

/// A cell of a CSV file, quoted where it must be.
func cell(_ text: String) -> String {
    guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
    return "\"\(text.replacing("\"", with: "\"\""))\""
}
