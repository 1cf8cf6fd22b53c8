import ArgumentParser
import BowerbirdClient

/// `bowerbird merge`: two users become one.
struct MergeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Makes one user of two; it can't be undone.",
        discussion: "Everything of MERGED is USER's from then on, and MERGED is another name of it."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group.") var group: String
    @Argument(help: "The user whose history goes.") var merged: String
    @Argument(help: "The user who stays.") var user: String

    func run() async throws {
        let client = try server.client()
        defer { client.close() }
        let result = try await client.mergeUsers(merged, into: user, group: groupName(group))
        print("position \(result.position), \(result.movedCount) interactions moved")
    }
}
