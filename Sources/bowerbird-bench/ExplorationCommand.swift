import ArgumentParser
import Foundation
import Primitives

/// Counts the showings that a good new item needs until the model finds it.
struct ExplorationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exploration",
        abstract: "Simulates how soon a good new item is found, by how much a campaign explores.",
        discussion: """
            200 users of 4 kinds click 400 known items; then 50 new items come, of which one is \
            liked by its kind (a click of 3 showings) and the others by nobody (1 of 50). An item \
            is found when the model alone has it in the lists of 10 of a quarter of the users of \
            its kind. Items have no attributes, and then some that say their kind. Prints one CSV \
            line a policy: medians over the runs, of the lists that were served until then and of \
            the showings of the good item, to anybody and to its kind; 'none' serves what the \
            model ranks, 'uniform' draws as many slots as 'full' has of all items alike, 'usual' \
            is weight 0.3, 'full' is weight 1.
            """
    )

    @Option(name: .long, help: "Simulations a policy.") var runs = 5
    @Option(name: .long, help: "Lists after which a simulation gives up.") var lists = 20_000
    @Option(name: .long, help: "The seed of the first run.") var seed: UInt64 = 1

    func run() throws {
        print("items,policy,runs,found,median lists,median showings,median to its kind")
        for isDescribed in [false, true] {
            for policy in ExplorationWorld.Policy.allCases {
                try measure(policy, isDescribed: isDescribed)
            }
        }
    }

    private func measure(_ policy: ExplorationWorld.Policy, isDescribed: Bool) throws {
        let outcomes = try (0..<runs).map { run in
            try simulate(policy, isDescribed: isDescribed, seed: seed + UInt64(run))
        }
        print(
            isDescribed ? "described" : "bare",
            policy.rawValue,
            runs,
            outcomes.count { $0.isFound },
            Self.median(outcomes.map(\.lists)),
            Self.median(outcomes.map(\.showings)),
            Self.median(outcomes.map(\.showingsToItsKind)),
            separator: ","
        )
    }

    private struct Outcome {
        var lists = 0
        var showings = 0
        var showingsToItsKind = 0
        var isFound = false
    }

    private func simulate(
        _ policy: ExplorationWorld.Policy,
        isDescribed: Bool,
        seed: UInt64
    ) throws -> Outcome {
        let world = ExplorationWorld(policy, isDescribed: isDescribed, seed: seed)
        let first = world.itemCount
        world.addItems(50)
        let good = first + 17
        let kind = good % ExplorationWorld.kinds
        var outcome = Outcome()
        while outcome.lists < lists {
            outcome.lists += 1
            let viewer = try world.round(watched: good) { user, item in
                if item == good { return user % ExplorationWorld.kinds == kind ? 1.0 / 3 : 0.02 }
                if item >= first { return 0.02 }
                return item % ExplorationWorld.kinds == user % ExplorationWorld.kinds ? 0.1 : 0.01
            }
            if let viewer {
                outcome.showings += 1
                if viewer % ExplorationWorld.kinds == kind { outcome.showingsToItsKind += 1 }
            }
            guard outcome.lists.isMultiple(of: 50) else { continue }
            if try world.share(of: good, kind: kind) >= 0.25 {
                outcome.isFound = true
                break
            }
        }
        return outcome
    }

    private static func median(_ values: [Int]) -> Int {
        values.sorted()[values.count / 2]
    }
}
