import ArgumentParser
import BowerbirdClient
import Foundation

/// `bowerbird put`: one event.
struct PutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Puts one event, dated now."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group.") var group: String
    @Argument(help: "Who.") var user: String
    @Argument(help: "Which item.") var item: String
    @Option(help: "What was done.") var eventType = "interaction"

    func run() async throws {
        let client = try server.client()
        let event = Event(
            type: eventType,
            itemID: item,
            sentAtMS: Int64(Date().timeIntervalSince1970 * 1_000)
        )
        let result = try await client.putEvents(
            [event],
            userID: user,
            sessionID: "cli-\(user)",
            group: groupName(group)
        )
        client.close()
        print("position \(result.position), \(result.appliedCount) applied")
    }
}

/// `bowerbird train`: a solution, a version, a campaign.
struct TrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Creates a solution of a recipe, trains a version and lets a campaign serve it."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group.") var group: String
    @Option(help: "The recipe.") var recipe = "user-personalization"
    @Option(help: "The name of solution and campaign. Default: the recipe's.") var name: String?
    @Option(help: "Learn from this event type alone.") var eventType = ""
    @Option(help: "With --event-type: from events of at least this value.") var minValue: Double?
    @Option(help: "TYPE or TYPE=MIN: learn from this event type, from MIN on; may be repeated.")
    var event: [String] = []
    @Option(help: "NAME=VALUE: a parameter of the recipe; may be repeated.")
    var parameter: [String] = []
    @Option(help: "When it trains by itself, such as 'rate(7 days)'.") var schedule = ""
    @Flag(help: "It does not train by itself.") var manual = false
    @Flag(help: "Wait until the version is ACTIVE, then create the campaign.") var wait = false

    func run() async throws {
        let client = try server.client()
        let label = name ?? recipe
        let solution = try await client.createSolution(
            label,
            group: groupName(group),
            recipe: "recipes/\(recipe)",
            learning: try learning()
        )
        let version = try await client.createSolutionVersion(solution: solution)
        print("solution version \(version)")
        if wait {
            try await waitUntilActive(client, version)
            print("campaign \(try await client.createCampaign(label, solutionVersion: version))")
        }
        client.close()
    }

    private func learning() throws -> LearningSettings {
        var settings = LearningSettings()
        settings.eventType = eventType
        settings.eventValueThreshold = minValue
        settings.schedule = schedule
        settings.events = try event.map { text in
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { return LearntEvent(type: text) }
            guard let least = Double(parts[1]) else {
                throw ValidationError("--event \(text): '\(parts[1])' is no number")
            }
            return LearntEvent(type: parts[0], valueThreshold: least)
        }
        settings.trainsByItself = !manual
        for (name, value) in try pairs(parameter, "--parameter") {
            let isFeaturization =
                name.hasSuffix("_percentile") || name == "trend_discovery_frequency"
            if isFeaturization {
                settings.featureTransformations[name] = value
            } else {
                settings.hyperparameters[name] = value
            }
        }
        return settings
    }
}

/// Follows a training until it is done.
func waitUntilActive(_ client: BowerbirdClient, _ version: String) async throws {
    for try await state in try await client.watchTraining(of: version) {
        if state.isActive {
            for warning in state.warnings { say("warning: \(warning)") }
            return
        }
        if state.isOver {
            throw CommandFailure(description: "the training ended: \(state.failureReason)")
        }
    }
    throw CommandFailure(description: "the training was not told to its end")
}
