import ArgumentParser
import Foundation
import Primitives
import Recipes
import Serving

/// What answers and writes cost, in this process, without a network and a disk.
struct CostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cost",
        abstract: "Measures the CPU of answers and of applied events in a large catalogue.",
        discussion: """
            Trains user-personalization on a dataset, or a made-up shop whose items have records, \
            and prints CPU microseconds, the least mean of five rounds: a list of 25 for users \
            with 15 events or more, with and without exploration; a ranking of 500 ids; an event \
            that is applied to the engine alone, and with every live part.
            """
    )

    @Option(name: .long, help: "A folder with a dataset in canonical form; without it, made up.")
    var data: String?
    @Option(name: .long, help: "Items of the made-up shop.") var items = 100_000
    @Option(name: .long, help: "Its users.") var users = 25_000
    @Option(name: .long, help: "Events of each user.") var events = 20
    @Option(name: .long, help: "Questions of a round.") var questions = 2_000

    func run() throws {
        let data =
            try data.map { try CanonicalData(directory: URL(filePath: $0)) }
            ?? CanonicalData(
                items: items,
                users: users,
                eventsEach: events,
                tests: 12_000,
                seed: 3
            )
        let world = EvaluationWorld(data)
        let rounds = 5
        let size = data.test.count / 2 / rounds
        func apply(_ part: Int) -> Double {
            (0..<rounds).map { round in
                let start = (part * rounds + round) * size
                return world.secondsApplying(data.test[start..<start + size]) / Double(size)
            }.min() ?? 0
        }
        let engine = apply(0)
        let campaigns = try world.train(UserPersonalization())
        print("training: \(text(campaigns.trainingCPUSeconds / 1e6)) s CPU")
        for chosen in campaigns.report?.chosen ?? [] {
            print("  \(String(format: "%.3f", chosen.weight)) × \(chosen.name)")
        }
        let asker = Asker(campaigns, data)
        let plain = world.plainCampaign(of: campaigns)
        print("a list of 25: \(text(try asker.list(questions, of: campaigns.name)))")
        print("a list of 25 that explores nothing: \(text(try asker.list(questions, of: plain)))")
        print("a ranking of 500 ids: \(text(try asker.ranking(questions)))")
        print("an event, engine alone: \(text(engine))")
        print("an event, every live part: \(text(apply(1)))")
    }

    private func text(_ seconds: Double) -> String { String(format: "%.2f", seconds * 1e6) }
}

/// Asks for users in turn; CPU seconds a question, the least of five rounds.
private struct Asker {
    private let campaigns: EvaluationWorld.Campaigns
    private let data: CanonicalData
    private let users: [String]
    private let rankings: [[String]]
    private let scratch = RequestScratch()

    init(_ campaigns: EvaluationWorld.Campaigns, _ data: CanonicalData) {
        self.campaigns = campaigns
        self.data = data
        var counts = [Int](repeating: 0, count: data.users.count)
        for event in data.train { counts[Int(event.user)] += 1 }
        let full = counts.indices.filter { counts[$0] >= 15 }
        users = full.prefix(2_000).map { data.users[$0] }
        rankings = (0..<100).map { index in
            (0..<500).map { data.items[(index * 977 + $0 * 131) % data.items.count] }
        }
    }

    func list(_ questions: Int, of campaign: String) throws -> Double {
        try measure(questions) { index in
            _ = try campaigns.online.answer(question(index, campaign), scratch)
        }
    }

    func ranking(_ questions: Int) throws -> Double {
        try measure(questions) { index in
            var question = question(index, campaigns.name)
            question.rankedItems = rankings[index % rankings.count]
            _ = try campaigns.online.ranking(question, scratch)
        }
    }

    private func measure(_ questions: Int, _ ask: (Int) throws -> Void) throws -> Double {
        var least = Double.infinity
        for _ in 0..<5 {
            let started = CPUTime.seconds()
            for index in 0..<questions { try ask(index) }
            least = min(least, (CPUTime.seconds() - started) / Double(questions))
        }
        return least
    }

    private func question(_ index: Int, _ campaign: String) -> RecommendationQuery {
        RecommendationQuery(
            campaign: campaign,
            userID: users[index % users.count],
            sessionID: "",
            count: 25
        )
    }
}
