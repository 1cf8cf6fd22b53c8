import ArgumentParser
import BowerbirdClient
import Foundation

/// `bowerbird recommend`.
struct RecommendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recommend",
        abstract: "Recommends items to a user, or items related to an item."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The campaign's resource name.") var campaign: String
    @Argument(help: "For whom; '-' for nobody.") var user: String
    @Option(help: "To which item the answer is related, for recipes such as similar-items.")
    var item = ""
    @Option(help: "How many items.") var count = 10
    @Flag(help: "Leave out items that the user touched.") var excludeInteracted = false
    @Option(help: "table, json, jsonl or csv.") var output = OutputForm.table

    func run() async throws {
        let client = try server.client()
        let answer = try await client.recommend(
            RecommendationQuestion(
                campaign: campaign,
                userID: user == "-" ? "" : user,
                itemID: item,
                count: count,
                excludeInteracted: excludeInteracted
            )
        )
        client.close()
        output.print(answer)
    }
}

/// `bowerbird rank`.
struct RankCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rank",
        abstract: "Orders given items for a user, best first."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The campaign's resource name.") var campaign: String
    @Argument(help: "For whom.") var user: String
    @Argument(help: "The items, at most 500.") var items: [String]
    @Option(help: "table, json, jsonl or csv.") var output = OutputForm.table

    func run() async throws {
        let client = try server.client()
        let answer = try await client.rank(items, campaign: campaign, userID: user)
        client.close()
        output.print(answer)
    }
}

extension OutputForm {
    /// Prints a list of items.
    func print(_ answer: Recommendations) {
        switch self {
        case .table:
            for (index, item) in answer.items.enumerated() {
                let score = String(format: "%.4f", item.score)
                Swift.print("\(index + 1)\t\(score)\t\(item.itemID)")
            }
        case .json: Swift.print("[\(answer.items.map(Self.json).joined(separator: ","))]")
        case .jsonl: for item in answer.items { Swift.print(Self.json(item)) }
        case .csv:
            Swift.print("ITEM_ID,SCORE")
            for item in answer.items {
                Swift.print("\"\(item.itemID.replacing("\"", with: "\"\""))\",\(item.score)")
            }
        }
    }

    private static func json(_ item: RecommendedItem) -> String {
        "{\"itemId\":\(quoted(item.itemID)),\"score\":\(item.score)}"
    }
}
