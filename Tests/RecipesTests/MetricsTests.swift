import Primitives
import TestSupport
import Testing

@testable import Recipes

@Suite
struct `Metrics of a version` {
    private func means(_ lists: [[Int]]) -> [String: Double] {
        var metrics = RankingMetrics()
        for places in lists { metrics.add((1...25).map { places.contains($0) }) }
        return metrics.means
    }

    private func check(_ lists: [[Int]], _ name: String, _ value: Double) {
        #expect(abs((means(lists)[name] ?? -1) - value) < 5e-5, "\(lists) \(name)")
    }

    /// Hits at 2 and 5: the documented definition by hand.
    @Test
    func `are as documented`() {
        check([[2, 5]], "normalized_discounted_cumulative_gain_at_5", 0.6241)
        check([[2, 5]], "precision_at_5", 0.4)
        check([[2, 5]], "precision_at_25", 0.08)
        check([[2, 5]], "mean_reciprocal_rank_at_25", 0.5)
        check([[7]], "normalized_discounted_cumulative_gain_at_5", 0)
        check([[7]], "normalized_discounted_cumulative_gain_at_10", 0.3333)
        check([[1], []], "mean_reciprocal_rank_at_25", 0.5)
        check([[], [1, 2, 3, 4, 5]], "precision_at_5", 0.5)
    }

    /// Of 40 items each with three events a window, some grow in the last two windows.
    private func trend(_ growing: [Int: [Int]]) -> [String: Double] {
        let hour: Int64 = 3_600_000
        var log = InteractionLog(itemCount: 40)
        for item in 0..<40 {
            for window in 0..<4 {
                let more = growing[item].map { window >= 2 ? $0[window - 2] : 0 } ?? 0
                for event in 0..<(3 + more) {
                    // The newest event of all is at the end of the last window.
                    let back = Int64(3 - window) * hour + Int64(event) * 1_000
                    log.append([entry(item, at: 100 * hour - back)])
                }
            }
        }
        return TrendingNow(windowMS: hour).ownMetrics(log)
    }

    @Test(
        arguments: [
            // Items 7 and 9 grew before, and grow on; nothing else does.
            ([7: [4, 12], 9: [5, 9]], 1.0),
            // One that grew goes on; the other could not be foretold.
            ([7: [4, 12], 39: [0, 8]], 0.5),
            // What grew fell back.
            ([7: [9, 0]], 0.0),
        ] as [([Int: [Int]], Double)]
    )
    func `say how much of a trend was foretold`(growing: [Int: [Int]], expected: Double) throws {
        let accuracy = try #require(trend(growing)["trend_prediction_accuracy"])
        #expect(abs(accuracy - expected) < 1e-6)
    }

    @Test
    func `say nothing of trends within one window`() {
        var log = InteractionLog(itemCount: 1)
        log.append([entry(0, at: 0), entry(0, at: 1_000)])
        #expect(TrendingNow().ownMetrics(log).isEmpty)
    }

    @Test
    func `ask a tenth of the users for the newest tenth of their events`() {
        var log = InteractionLog(itemCount: 100)
        for user in 0..<40 {
            log.append((0..<20).map { entry((user + $0) % 100, at: Int64($0)) })
        }
        let split = MetricSplit(log)
        #expect(split.training.ownerCount == 36)
        #expect(split.tests.count == 4)
        #expect(split.tests.allSatisfy { $0.input.count == 18 && $0.truth.count == 2 })
        // The first of the users of the first ten.
        #expect(split.tests[0].truth == [18, 19])
    }

    /// Along a ring of 40 items the next one is almost known: one hit in 5 places is 0.2.
    @Test(arguments: RecipeCatalog.all.map(\.recipe.identifier))
    func `are there for every recipe`(identifier: String) throws {
        let recipe = try #require(RecipeCatalog.entry(identifier)).recipe
        let world = `A blend that validation chooses`.ring(seed: 3)
        let model = try recipe.train(world) { _ in true }
        let metrics =
            if let report = model.report { report.metrics } else {
                try recipe.metrics(of: world) { _ in true }
            }
        #expect(metrics.count == 8)
        #expect(metrics.values.allSatisfy { (0...1).contains($0) })
        let personal = ["user-personalization", "personalized-ranking", "similar-items", "sims"]
        if personal.contains(where: { identifier.hasPrefix($0) }) {
            #expect(try #require(metrics["precision_at_5"]) > 0.1)
            #expect(try #require(metrics["coverage"]) > 0.9)
        } else {
            #expect(try #require(metrics["precision_at_5"]) < 0.1)
        }
    }

    @Test
    func `are missing where nobody can be asked`() throws {
        let few = ListedHistories(
            itemCount: 5,
            histories: (0..<30).map { [entry($0 % 5, at: Int64($0))] }
        )
        #expect(try PopularityCount().metrics(of: few) { _ in true }.isEmpty)
    }
}
