import ArgumentParser
import Engine
import Primitives
import TestSupport

/// Random filters, right and wrong, read and evaluated.
struct FilterFuzzCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "filter-fuzz",
        abstract: "Reads random filters, and compares what they let pass with an oracle.",
        discussion: """
            Each case reads a text and asks a random filter of a shop that changes. Texts are \
            correct, broken, or as long or as deep as is allowed and one more. Ends with failure \
            at the first text that is read wrongly or answer that is wrong, and when a text took \
            more than 5 ms of CPU.
            """
    )

    @Option(name: .long, help: "How many texts are read, and questions asked.")
    var cases = 1_000_000
    @Option(name: .long, help: "What everything is drawn from; drawn itself when absent.")
    var seed: UInt64?

    func run() throws {
        let seed = seed ?? .random(in: 0...UInt64.max)
        print("seed \(seed)")
        let started = CPUTime.seconds()
        var texts = FuzzedTexts(seed: seed)
        var shops = FuzzedShops(seed: seed)
        for number in 0..<cases {
            if let problem = try texts.read() ?? shops.ask() {
                print("case \(number): \(problem)")
                throw ExitCode.failure
            }
        }
        for (kind, slowest) in texts.slowest.sorted(by: { $0.key < $1.key }) {
            print(
                "\(kind): \(texts.counts[kind, default: 0]) texts, the slowest read in "
                    + "\(Int(slowest.seconds * 1e6)) µs CPU: \(slowest.text.utf8.count) bytes, "
                    + "\(String(slowest.text.prefix(60)).debugDescription)"
            )
        }
        print(
            "\(cases) questions of \(shops.count) shops, \(shops.partialAnswerCount) of them with "
                + "some of the items; \(Int(CPUTime.seconds() - started)) s CPU in all"
        )
        guard texts.slowest.values.allSatisfy({ $0.seconds <= FuzzedTexts.secondsMax }) else {
            throw ExitCode.failure
        }
    }
}

/// Texts of every kind, each read and timed.
private struct FuzzedTexts {
    static let secondsMax = 0.005

    private(set) var counts: [String: Int] = [:]
    private(set) var slowest: [String: (seconds: Double, text: String)] = [:]
    private var generator: FilterGenerator

    init(seed: UInt64) {
        generator = FilterGenerator(seed: seed, now: World.now)
    }

    /// Reads the next text; what is wrong with how it was read.
    mutating func read() -> String? {
        let (kind, text, isCorrect) = next()
        counts[kind, default: 0] += 1
        var seconds = time(text)
        // What another program did to this one is no fault of the text.
        for _ in 0..<4 where seconds > Self.secondsMax { seconds = min(seconds, time(text)) }
        if seconds > slowest[kind]?.seconds ?? 0 { slowest[kind] = (seconds, text) }
        return FilterFuzzer.problem(in: text, isCorrect: isCorrect)
            .map { "\($0): \(text.debugDescription)" }
    }

    private mutating func next() -> (kind: String, text: String, isCorrect: Bool) {
        switch generator.below(200) {
        case 0:
            let (text, isCorrect) = generator.expressionAtLimits()
            return ("at the limits", text, isCorrect)
        case 1:
            let (text, _) = generator.expressionAtLimits()
            return ("broken at the limits", generator.broken(text), false)
        case 2..<100: return ("broken", generator.brokenExpression(), false)
        default:
            let target = generator.oneOf([FilterTarget.item, .item, .user, .action])
            return ("correct", generator.expression(target), true)
        }
    }

    private func time(_ text: String) -> Double {
        let started = CPUTime.seconds()
        _ = try? CheckedFilter(parsing: text, against: FilterSample.schemas)
        return CPUTime.seconds() - started
    }
}

/// One shop after the other, asked between writes.
private struct FuzzedShops {
    private(set) var count = 0
    private(set) var partialAnswerCount = 0
    private var shop: RandomShop?
    private var asked = 0
    private let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
    }

    /// Asks the next question; what is wrong with its answer.
    mutating func ask() throws -> String? {
        if asked % 500 == 0 {
            partialAnswerCount += shop?.partialAnswerCount ?? 0
            shop = try RandomShop(seed: seed &+ UInt64(count))
            count += 1
        }
        if asked % 10 == 0 { try shop?.write() }
        asked += 1
        return try shop?.ask().map { "shop \(count): \($0)" }
    }
}
