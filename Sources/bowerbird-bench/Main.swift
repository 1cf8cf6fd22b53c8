import ArgumentParser

/// `bowerbird-bench`: measures, in this process, the code that serves.
@main
struct Main: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bowerbird-bench",
        abstract: "Measures the quality and the cost of Bowerbird's recipes.",
        subcommands: [
            QualityCommand.self, ExplorationCommand.self, CostCommand.self, FilterCommand.self,
            FilterFuzzCommand.self,
        ]
    )
}
