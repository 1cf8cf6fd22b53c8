import ArgumentParser
import Foundation
import Primitives
import Recipes
import Serving

/// Ranks the whole catalogue for every query of a dataset's test part and compares with what came.
struct QualityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quality",
        abstract: "Measures what the recipes recommend on a dataset in canonical form.",
        discussion: """
            Loads train.csv.gz, trains, and replays test.csv.gz in the order of its rows. Before a \
            row with QUERY = 1 each recipe ranks the whole catalogue for its user, without the \
            user's items where meta.json says exclude_seen. 'train-once' models learn nothing \
            more and see the user's history grow; 'online' models learn from every row. Prints \
            one CSV line a model.
            """
    )

    @Option(name: .long, help: "A folder with train.csv.gz, test.csv.gz and meta.json.")
    var data: String

    @Option(name: .long, help: "Recipes to measure, comma separated; all without it.")
    var recipes: String = ""

    @Flag(name: .long, help: "Also print what each training tried and chose, as '#' lines.")
    var report = false

    @Option(
        name: .long,
        help: "Models to measure alone, separated by ';', as the report of a training calls them."
    )
    var alone: String = ""

    func run() throws {
        let data = try CanonicalData(directory: URL(filePath: self.data))
        let wanted = recipes.split(separator: ",").map(String.init)
        let world = EvaluationWorld(data)
        var runs: [QualityRun] = []
        for entry in RecipeCatalog.all
        where (entry.kind == .userPersonalization || entry.kind == .popularItems)
            && (wanted.isEmpty || wanted.contains(entry.recipe.identifier))
        {
            runs.append(QualityRun(try world.train(entry.recipe), data))
        }
        for name in alone.split(separator: ";") {
            runs.append(QualityRun(try world.train(SingleModel(name: String(name))), data))
        }
        if report {
            for line in runs.flatMap({ $0.reportLines }) { print("#", line) }
        }
        let scratch = RequestScratch()
        for event in data.test {
            if event.isQuery {
                for run in runs.indices { try runs[run].ask(event, data, scratch) }
            }
            world.observe(event)
        }
        print(QualityRun.header)
        for run in runs {
            for line in run.lines(data) { print(line) }
        }
    }
}

/// The two ways to use one trained recipe, with their scores.
struct QualityRun {
    private let campaigns: EvaluationWorld.Campaigns
    private var trainedOnce: QualityScore
    private var online: QualityScore
    private var seconds = [0.0, 0.0]

    init(_ campaigns: EvaluationWorld.Campaigns, _ data: CanonicalData) {
        self.campaigns = campaigns
        var popularity = [Int](repeating: 0, count: data.items.count)
        for event in data.train { popularity[Int(event.item)] += 1 }
        trainedOnce = QualityScore(popularity: popularity)
        online = trainedOnce
    }

    /// What the training tried and chose.
    var reportLines: [String] {
        guard let report = campaigns.report else { return [] }
        return [
            "blend of \(report.questionCount) questions: "
                + String(format: "%.4f", report.blendNDCGAt10)
        ]
            + report.chosen.map { String(format: "  %.3f × ", $0.weight) + $0.name }
            + report.candidates.map { String(format: "  %.4f ", $0.ndcgAt10) + $0.name }
    }

    mutating func ask(
        _ event: CanonicalData.Event,
        _ data: CanonicalData,
        _ scratch: RequestScratch
    ) throws {
        let query = RecommendationQuery(
            campaign: campaigns.name,
            userID: data.users[Int(event.user)],
            sessionID: "",
            count: 20,
            excludesInteracted: data.excludesSeen
        )
        for (index, pipeline) in [campaigns.trainedOnce, campaigns.online].enumerated() {
            let started = CPUTime.seconds()
            _ = try pipeline.answer(query, scratch)
            seconds[index] += CPUTime.seconds() - started
            let list = scratch.ranking.top.map(\.item.rawValue)
            if index == 0 {
                trainedOnce.add(list, answer: event.item, user: event.user)
            } else {
                online.add(list, answer: event.item, user: event.user)
            }
        }
    }

    static let header =
        "dataset,model,mode,queries,"
        + QualityScore.names.map { "\($0),\($0) low,\($0) high" }.joined(separator: ",")
        + ",coverage@10,novelty@10,train cpu s,query cpu us,artifact bytes"

    func lines(_ data: CanonicalData) -> [String] {
        [("train-once", trainedOnce, seconds[0]), ("online", online, seconds[1])].map {
            mode,
            score,
            seconds in
            let summary = score.summary(itemCount: data.items.count)
            let metrics = summary.metrics.flatMap { [$0.mean, $0.low, $0.high] }
                .map { String(format: "%.4f", $0) }
            let model = campaigns.name.split(separator: "/").last ?? ""
            return "\(data.name),\(model),\(mode),\(summary.queryCount),"
                + metrics.joined(separator: ",")
                + String(
                    format: ",%.4f,%.3f,%.2f,%.1f,%d",
                    summary.coverage,
                    summary.novelty,
                    campaigns.trainingCPUSeconds,
                    seconds / Double(max(1, summary.queryCount)) * 1e6,
                    campaigns.artifactBytes
                )
        }
    }
}
