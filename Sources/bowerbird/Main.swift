import ArgumentParser

/// `bowerbird`: the client program.
@main
struct Bowerbird: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bowerbird",
        abstract: "Imports into a Bowerbird server and asks it for recommendations.",
        discussion: """
            Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no server there, 4 rows were refused.
            """,
        subcommands: [
            StatusCommand.self, InitCommand.self, ImportCommand.self, ExportCommand.self,
            JobsCommand.self,
            PutCommand.self,
            TrainCommand.self, RecommendCommand.self, RankCommand.self, FilterCommand.self,
            CertsCommand.self, TokenCommand.self, ExplainCommand.self, GetCommand.self,
            ListCommand.self, UpdateCommand.self, DeleteCommand.self, MergeCommand.self,
            ExtendCommand.self, BackupCommand.self, RestoreCommand.self, DemoCommand.self,
            DescribeCommand.self, MetricsCommand.self,
        ]
    )

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            leave(with: error)
        }
    }
}
