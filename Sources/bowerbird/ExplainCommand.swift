import ArgumentParser
import BowerbirdClient
import Foundation

/// `bowerbird explain`.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Says why an item is where it is in a user's list, or why it is not in it."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The campaign's resource name.") var campaign: String
    @Argument(help: "Whose list; '-' for nobody.") var user: String
    @Argument(help: "The item.") var explained: String
    @Option(help: "To which item the list is related, for recipes such as similar-items.")
    var item = ""
    @Option(help: "How many items the list has.") var count = 10
    @Flag(help: "Leave out items that the user touched.") var excludeInteracted = false

    func run() async throws {
        let client = try server.client()
        let found = try await client.explain(
            explained,
            in: RecommendationQuestion(
                campaign: campaign,
                userID: user == "-" ? "" : user,
                itemID: item,
                count: count,
                excludeInteracted: excludeInteracted
            )
        )
        client.close()
        for line in Self.lines(explained, found) { print(line) }
    }

    /// The explanation in sentences and two small tables.
    static func lines(_ item: String, _ found: RecommendationExplanation) -> [String] {
        var lines: [String] = []
        if found.slot > 0 {
            lines.append("\(item) is number \(found.slot) of the list")
        } else if found.removedBy.isEmpty {
            lines.append("\(item) is not in the list; it could be, but others are before it")
        } else {
            lines.append("\(item) can't be in the list: \(found.removedBy)")
        }
        if found.rank > 0 {
            lines.append("the model ranks it \(found.rank) of \(found.eligibleCount)")
        }
        if let propensity = found.propensity {
            lines.append("probability of its place: \(number(propensity))")
        }
        guard !found.components.isEmpty else { return lines }
        lines.append("sum \(number(found.linearScore)):")
        for component in found.components {
            let amount = number(component.weight * component.score)
            lines.append("  \(amount)\t\(component.name)")
        }
        lines.append("of which")
        for one in found.contributions {
            let event = one.itemID.isEmpty ? "(no event)" : "\(one.eventType) \(one.itemID)"
            lines.append("  \(number(one.share))\t\(event)")
        }
        return lines
    }

    private static func number(_ value: Double) -> String { String(format: "%.4f", value) }
}
