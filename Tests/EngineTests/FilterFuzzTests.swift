import Engine
import Foundation
import Primitives
import TestSupport
import Testing

/// Random expressions; `BOWERBIRD_TEST_ALL=1` reads a million of them.
@Suite
struct `Any filter text` {
    private let isLong = ProcessInfo.processInfo.environment["BOWERBIRD_TEST_ALL"] != nil
    private var seed: UInt64 {
        ProcessInfo.processInfo.environment["BOWERBIRD_SEED"].flatMap { UInt64($0) } ?? 20_261_125
    }

    @Test
    func `that is correct reads, and its normal form reads as the same`() {
        var generator = FilterGenerator(seed: seed, now: now)
        for number in 0..<(isLong ? 500_000 : 4_000) {
            let target = generator.oneOf([FilterTarget.item, .item, .user, .action])
            let text = generator.expression(target)
            let problem = FilterFuzzer.problem(in: text, isCorrect: true, charactersMax: .max)
            guard let problem else { continue }
            Issue.record("seed \(seed), case \(number): \(text): \(problem)")
            return
        }
    }

    @Test
    func `that is broken ends in errors with places`() {
        var generator = FilterGenerator(seed: seed &+ 1, now: now)
        for number in 0..<(isLong ? 500_000 : 4_000) {
            let text = generator.brokenExpression()
            guard let problem = FilterFuzzer.problem(in: text) else { continue }
            Issue.record("seed \(seed &+ 1), case \(number): \(problem): \(text)")
            return
        }
    }

    @Test
    func `is read up to the last character and parenthesis that are allowed`() {
        var generator = FilterGenerator(seed: seed &+ 3, now: now)
        var counts = [true: 0, false: 0]
        for number in 0..<(isLong ? 10_000 : 60) {
            let (text, isCorrect) = generator.expressionAtLimits()
            counts[isCorrect, default: 0] += 1
            let problem = FilterFuzzer.problem(in: text, isCorrect: isCorrect)
            let filter = try? CheckedFilter(parsing: text, against: FilterSample.schemas)
            if problem == nil && isCorrect == (filter != nil) { continue }
            Issue.record("seed \(seed &+ 3), case \(number): \(problem ?? "taken"): \(text)")
            return
        }
        #expect(counts.values.allSatisfy { $0 > 10 })
    }

    /// How fast it is read is for a benchmark to tell; here it must end.
    @Test(.timeLimit(.minutes(1)))
    func `as long as allowed is read to its end`() {
        let start = "INCLUDE ItemID WHERE "
        let atom = "Items.YEAR = 1"
        let texts = [
            start + Array(repeating: atom, count: 860).joined(separator: " AND "),
            start + Array(repeating: "(\(atom))", count: 800).joined(separator: " OR "),
            start + Array(repeating: "Items.NONE = 1", count: 860).joined(separator: " AND "),
            start + "Items.ROOM IN ("
                + Array(repeating: "\"\"", count: 5_400)
                .joined(separator: ",") + ")",
            start + "Items.YEAR IN (" + (0..<3_300).map(String.init).joined(separator: ",") + ")",
            start + String(repeating: "(", count: 16_000),
            start + String(repeating: "NOT ", count: 4_000),
            start + "Items.ROOM = \"" + String(repeating: "\\", count: 16_000),
            String(repeating: "'", count: 16_384), String(repeating: "|", count: 16_384),
            String(repeating: "A", count: 16_384), String(repeating: "9", count: 16_384),
            Array(repeating: start + atom, count: 440).joined(separator: "|"),
            start
                + Array(repeating: "Interactions.COUNT > 1", count: 600)
                .joined(separator: " AND "),
        ]
        for text in texts {
            #expect(text.count <= Limits.filterCharactersMax)
            #expect(FilterFuzzer.problem(in: text) == nil, "\(text.prefix(60))")
        }
    }

    @Test
    func `means without omitted parameters what the oracle says of it`() throws {
        var facts = FilterFacts(seed: seed &+ 2, now: now)
        var passed = 0
        for number in 0..<(isLong ? 100_000 : 3_000) {
            let text = facts.generator.expression()
            let filter = try CheckedFilter(parsing: text, against: FilterSample.schemas)
            let arguments = try filter.bind(facts.generator.values(for: filter))
            var pruned = filter
            for (index, clause) in filter.expression.clauses.enumerated().reversed() {
                let isOmitted = { (name: String) in arguments.values[name] == nil }
                guard let kept = clause.condition.without(omitted: isOmitted) else {
                    pruned.expression.clauses.remove(at: index)
                    continue
                }
                pruned.expression.clauses[index].condition = kept
                pruned.expression.clauses[index].requirement =
                    clause.requirement?.without(omitted: isOmitted)
            }
            let user = NaiveFilter.Subject(id: "u1", record: facts.user("u1"))
            let seedItem = NaiveFilter.Subject(id: "i9", record: facts.item("i9"))
            let item = NaiveFilter.Subject(id: "i1", record: facts.item("i1"))
            let events = (0..<facts.generator.below(4)).map { _ in facts.event(with: "i1") }
            let answers = [filter, pruned].map { filter in
                NaiveFilter(
                    filter,
                    arguments: arguments,
                    now: now,
                    user: user,
                    currentItem: seedItem
                )
                .passes(item, events: events)
            }
            guard answers[0] == answers[1] else {
                Issue.record("seed \(seed &+ 2), case \(number): \(text)")
                return
            }
            passed += answers[0] ? 1 : 0
        }
        // Data and expressions that always or never match would test nothing.
        #expect(passed > 600)
    }
}
