import ArgumentParser
import BowerbirdClient
import Foundation

/// What can be deleted.
enum DeletionKind: String, ExpressibleByArgument, CaseIterable {
    case user, users, session, item, interaction
}

/// `bowerbird delete`: one record, for good.
struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Deletes users, a session, an item or an interaction for good.",
        discussion: "A user and a session go with all of their events, an item with the events on "
            + "it so far; an interaction is named by its event id. 'users' are deleted by a job: "
            + "name a file with one id a line, '-' for standard input, or with --on-server a file "
            + "of the server with a column USER_ID."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group.") var group: String
    @Argument(help: "user, users, session, item or interaction.") var kind: DeletionKind
    @Argument(help: "Its id; of users, a file of ids.") var id: String
    @Flag(help: "Users: the file is the server's.") var onServer = false
    @Flag(help: "No progress.") var quiet = false
    @Flag(help: "Do not ask.") var yes = false
    @Flag(help: "Say what would be deleted, and delete nothing.") var dryRun = false

    func validate() throws {
        if dryRun && (kind == .interaction || kind == .users) {
            throw ValidationError("--dry-run is for one user, session or item")
        }
        if onServer && kind != .users { throw ValidationError("--on-server is for users") }
    }

    func run() async throws {
        let client = try server.client()
        defer { client.close() }
        if dryRun { return try await show(client) }
        if !yes && !isAgreed() {
            throw CommandFailure(description: "nothing was deleted; confirm, or give --yes")
        }
        if kind == .users { return try await deleteUsers(client) }
        let position = try await client.delete(deletion, group: groupName(group))
        print("position \(position)")
    }

    private var deletion: RecordDeletion {
        switch kind {
        case .user, .users: .user(id)
        case .session: .session(id)
        case .item: .item(id)
        case .interaction: .interaction(id)
        }
    }

    /// Jobs of 10,000 users each, one after the other.
    private func deleteUsers(_ client: BowerbirdClient) async throws {
        var parts: [[String]] = [[]]
        if !onServer {
            let users = try idsOfFile()
            parts = stride(from: 0, to: users.count, by: 10_000).map { start in
                Array(users[start..<min(start + 10_000, users.count)])
            }
            if users.isEmpty { throw CommandFailure(description: "'\(id)' names no user") }
        }
        let label = "deletion-\(UInt64(Date().timeIntervalSince1970 * 1_000))"
        for (number, users) in parts.enumerated() {
            let job = try await client.createDeletionJob(
                "\(label)-\(number)",
                group: groupName(group),
                users: users,
                location: onServer ? id : ""
            )
            say("job \(job); Ctrl-C leaves it running, 'bowerbird jobs cancel \(job)' stops it")
            let line = JobProgressLine(!quiet && isatty(2) == 1)
            try await line.follow(job, client).report(applied: "deleted", known: "unknown")
        }
    }

    /// The ids of a file, one a line; a first line USER_ID is a header.
    private func idsOfFile() throws -> [String] {
        let data: Data?
        if id == "-" {
            data = try FileHandle.standardInput.readToEnd() ?? Data()
        } else {
            data = FileManager.default.contents(atPath: id)
        }
        guard let data else { throw CommandFailure(description: "'\(id)' can't be read") }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw CommandFailure(description: "'\(id)' is not UTF-8")
        }
        let lines = text.split(whereSeparator: \.isNewline).map(String.init)
        return lines.first == "USER_ID" ? Array(lines.dropFirst()) : lines
    }

    private func isAgreed() -> Bool {
        guard isatty(0) == 1 else { return false }
        say("Delete the \(kind) '\(id)' of \(groupName(group)) for good? Type yes:")
        return readLine() == "yes"
    }

    /// Counts what a deletion would take.
    private func show(_ client: BowerbirdClient) async throws {
        let list: InteractionList =
            switch kind {
            case .session: .session(id)
            case .item: .item(id)
            case .user, .users, .interaction: .user(id)
            }
        var count = 0
        var token = ""
        repeat {
            let page = try await client.listInteractions(
                of: list,
                group: groupName(group),
                pageSize: 1_000,
                pageToken: token
            )
            count += page.elements.count
            token = page.nextPageToken
        } while !token.isEmpty
        print("would delete the \(kind) '\(id)' and \(count) interactions")
    }
}
