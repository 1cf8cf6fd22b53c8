import ArgumentParser
import BowerbirdClient
import Foundation

/// `bowerbird describe`: what a training tried and chose.
struct DescribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Says what a solution version is made of, and what else was tried."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The solution version's resource name.") var version: String

    func run() async throws {
        let client = try server.client()
        let found = try await client.describeSolutionVersion(version)
        client.close()
        for line in Self.lines(version, found) { print(line) }
    }

    /// A sentence for the state and a table of the models.
    static func lines(_ version: String, _ found: SolutionVersionReport) -> [String] {
        var lines: [String] = []
        if found.training.isActive {
            lines.append(
                String(format: "trained in %.1f s", found.trainingHours * 3_600)
            )
        } else if found.training.isOver {
            lines.append("not trained: \(found.training.failureReason)")
        } else {
            lines.append(String(format: "training: %.0f %%", found.training.progress * 100))
        }
        lines += found.training.warnings.map { "warning: \($0)" }
        guard found.questionCount > 0 else { return lines }
        lines.append(
            String(
                format: "NDCG@10 %.4f on %lld questions of its validation",
                found.ndcgAt10,
                found.questionCount
            )
        )
        if let best = found.runnerUp {
            lines.append(String(format: "the best model alone: %.4f  ", best.ndcgAt10) + best.name)
        }
        lines.append("weight  alone   chosen")
        for model in found.components {
            lines.append(String(format: "%6.3f  %.4f  ", model.weight, model.ndcgAt10) + model.name)
        }
        lines.append("        alone   tried")
        for model in found.candidates {
            lines.append(String(format: "        %.4f  ", model.ndcgAt10) + model.name)
        }
        return lines
    }
}

/// `bowerbird metrics`: what a version was worth when it was trained.
struct MetricsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Prints the metrics of a solution version, one a line.",
        discussion: """
            One in ten users is left out of a training; the lists for the older nine tenths of \
            such a history are compared with its rest.
            """
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The solution version's resource name.") var version: String

    func run() async throws {
        let client = try server.client()
        let metrics = try await client.solutionMetrics(of: version)
        client.close()
        if metrics.isEmpty { say("nothing was measured: too few users, or mode UPDATE") }
        for (name, value) in metrics.sorted(by: { $0.key < $1.key }) {
            print(String(format: "%.4f  ", value) + name)
        }
    }
}
