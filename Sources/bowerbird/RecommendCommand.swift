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
    @Option(help: "An item to leave out; may be repeated.") var exclude: [String] = []
    @OptionGroup var filter: QuestionFilterOptions
    @Option(help: "A number to draw explored items from: the same one, the same items.")
    var seed: UInt64?
    @Option(help: "The token that came with the page before, on standard error.") var page = ""
    @Option(help: "A column of the items to show; may be repeated.") var column: [String] = []
    @Option(help: "COLUMN=N: at most N items may share a value of it; may be repeated.")
    var max: [String] = []
    @Option(help: "0 to 1: how much likeness counts against an item.") var diversity = 0.0
    @Option(help: "COLUMN=VALUE: how the user comes here; may be repeated.")
    var context: [String] = []
    @Option(help: "table, json, jsonl or csv.") var output = OutputForm.table

    func run() async throws {
        var question = RecommendationQuestion(
            campaign: campaign,
            userID: user == "-" ? "" : user,
            itemID: item,
            count: count,
            excludeInteracted: excludeInteracted
        )
        question.seed = seed
        question.excludedItems = exclude
        question.filter = try filter.question()
        question.pageToken = page
        question.metadataColumns = column
        question.diversity = diversity
        question.context = try pairs(context, "--context")
        question.maxPerAttribute = try pairs(max, "--max").mapValues { text in
            guard let count = Int(text) else {
                throw ValidationError("--max: '\(text)' is no number")
            }
            return count
        }
        let client = try server.client()
        let answer = try await client.recommend(question)
        client.close()
        output.print(answer)
        if output == .table, !answer.nextPageToken.isEmpty {
            say("next page: --page \(answer.nextPageToken)")
        }
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
    @OptionGroup var filter: QuestionFilterOptions
    @Option(help: "table, json, jsonl or csv.") var output = OutputForm.table

    func run() async throws {
        let client = try server.client()
        let answer = try await client.rank(
            items,
            campaign: campaign,
            userID: user,
            filter: try filter.question()
        )
        client.close()
        output.print(answer)
    }
}

/// Which items may be in an answer.
struct QuestionFilterOptions: ParsableArguments {
    @Option(help: "The resource name of a filter that items must pass.") var filter = ""
    @Option(help: "The same as an expression, such as 'INCLUDE ItemID WHERE …'.")
    var filterExpression = ""
    @OptionGroup var values: FilterValueOptions
    @Flag(help: "Lift the campaign's own filter.") var ignoreDefaultFilter = false

    func validate() throws {
        guard filter.isEmpty || filterExpression.isEmpty else {
            throw ValidationError("--filter and --filter-expression: give one of them")
        }
    }

    func question() throws -> QuestionFilter {
        QuestionFilter(
            name: filter,
            expression: filterExpression,
            values: try values.values(),
            ignoresDefault: ignoreDefaultFilter
        )
    }
}

/// `NAME=VALUE` texts as a dictionary.
func pairs(_ texts: [String], _ option: String) throws -> [String: String] {
    var found: [String: String] = [:]
    for text in texts {
        guard let sign = text.firstIndex(of: "="), sign > text.startIndex else {
            throw ValidationError("\(option): '\(text)' is not of the form NAME=VALUE")
        }
        found[String(text[..<sign])] = String(text[text.index(after: sign)...])
    }
    return found
}

extension OutputForm {
    /// Prints a list of items.
    func print(_ answer: Recommendations) {
        switch self {
        case .table:
            for (index, item) in answer.items.enumerated() {
                let score = String(format: "%.4f", item.score)
                let values = item.metadata.sorted { $0.key < $1.key }
                    .map { "\t\($0.key)=\($0.value)" }.joined()
                Swift.print("\(index + 1)\t\(score)\t\(item.itemID)\(values)")
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
        let reasons = item.reasons.map { quoted($0) }.joined(separator: ",")
        let metadata = item.metadata.sorted { $0.key < $1.key }
            .map { "\(quoted($0.key)):\(quoted($0.value))" }.joined(separator: ",")
        return "{\"itemId\":\(quoted(item.itemID)),\"score\":\(item.score),"
            + "\"reason\":[\(reasons)]"
            + (metadata.isEmpty ? "}" : ",\"metadata\":{\(metadata)}}")
    }
}
