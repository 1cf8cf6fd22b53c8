import ArgumentParser
import BowerbirdClient
import Foundation

/// What can be deleted.
enum DeletionKind: String, ExpressibleByArgument, CaseIterable {
    case user, session, item, interaction
}

/// `bowerbird delete`: one record, for good.
struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Deletes a user, a session, an item or an interaction for good.",
        discussion: "A user and a session go with all of their events, an item with the events on "
            + "it so far; an interaction is named by its event id."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group.") var group: String
    @Argument(help: "user, session, item or interaction.") var kind: DeletionKind
    @Argument(help: "Its id.") var id: String
    @Flag(help: "Do not ask.") var yes = false
    @Flag(help: "Say what would be deleted, and delete nothing.") var dryRun = false

    func validate() throws {
        if dryRun && kind == .interaction {
            throw ValidationError("--dry-run is for users, sessions and items")
        }
    }

    func run() async throws {
        let client = try server.client()
        defer { client.close() }
        if dryRun { return try await show(client) }
        if !yes && !isAgreed() {
            throw CommandFailure(description: "nothing was deleted; confirm, or give --yes")
        }
        let position = try await client.delete(deletion, group: groupName(group))
        print("position \(position)")
    }

    private var deletion: RecordDeletion {
        switch kind {
        case .user: .user(id)
        case .session: .session(id)
        case .item: .item(id)
        case .interaction: .interaction(id)
        }
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
            case .user, .interaction: .user(id)
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
