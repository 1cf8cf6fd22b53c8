import Glibc
import Primitives

/// What a model's lists are worth: one right answer a query, ranked among the whole catalogue.
struct QualityScore {
    /// One query: whose it was and at which place, from 1, its answer stood; 0 when it did not.
    private struct Outcome {
        var user: UInt32
        var rank: Int
    }

    private var outcomes: [Outcome] = []
    private var shown: Set<UInt32> = []
    private var surprise = 0.0
    private var shownCount = 0
    private let popularity: [Int]
    private let eventCount: Int

    /// - Parameter popularity: Events of each item in the training part.
    init(popularity: [Int]) {
        self.popularity = popularity
        eventCount = max(1, popularity.reduce(0, +))
    }

    /// `list` holds the best 20.
    mutating func add(_ list: [UInt32], answer: UInt32, user: UInt32) {
        let place = list.firstIndex(of: answer).map { $0 + 1 } ?? 0
        outcomes.append(Outcome(user: user, rank: place))
        for item in list.prefix(10) {
            shown.insert(item)
            shownCount += 1
            let count = Int(item) < popularity.count ? popularity[Int(item)] : 0
            surprise -= log2(Double(count + 1) / Double(eventCount + 1))
        }
    }

    static let names = ["ndcg@10", "hr@10", "mrr@20", "hr@20"]

    /// In the order of `names`.
    private static func gains(_ rank: Int) -> [Double] {
        guard rank > 0 else { return [0, 0, 0, 0] }
        return [
            rank <= 10 ? 1 / log2(1 + Double(rank)) : 0,
            rank <= 10 ? 1 : 0,
            rank <= 20 ? 1 / Double(rank) : 0,
            rank <= 20 ? 1 : 0,
        ]
    }

    struct Summary {
        /// In the order of `names`, each with the bounds that 95 % of resamplings of the users
        /// stay in.
        var metrics: [(mean: Double, low: Double, high: Double)]
        var queryCount: Int
        /// Distinct items in the first ten places over the items of the catalogue.
        var coverage: Double
        /// Mean −log2 of the share of training events, over the first ten places.
        var novelty: Double
    }

    func summary(itemCount: Int, seed: UInt64 = 1, resamplings: Int = 1_000) -> Summary {
        var sums: [UInt32: (count: Double, gains: [Double])] = [:]
        for outcome in outcomes {
            let gains = Self.gains(outcome.rank)
            var sum = sums[outcome.user] ?? (0, [0, 0, 0, 0])
            sum.count += 1
            for index in gains.indices { sum.gains[index] += gains[index] }
            sums[outcome.user] = sum
        }
        let users = sums.sorted { $0.key < $1.key }.map(\.value)
        let total = Self.mean(users)
        var random = SeededGenerator(seed: seed)
        var resampled = Self.names.map { _ in [Double]() }
        for _ in 0..<(users.isEmpty ? 0 : resamplings) {
            let drawn = (0..<users.count).map { _ in
                users[Int(random.next() % UInt64(users.count))]
            }
            for (index, value) in Self.mean(drawn).enumerated() { resampled[index].append(value) }
        }
        return Summary(
            metrics: total.enumerated().map { index, mean in
                let sorted = resampled[index].sorted()
                guard !sorted.isEmpty else { return (mean, mean, mean) }
                return (
                    mean, sorted[sorted.count / 40], sorted[sorted.count - 1 - sorted.count / 40]
                )
            },
            queryCount: outcomes.count,
            coverage: Double(shown.count) / Double(max(1, itemCount)),
            novelty: surprise / Double(max(1, shownCount))
        )
    }

    private static func mean(_ users: [(count: Double, gains: [Double])]) -> [Double] {
        var count = 0.0
        var gains = [0.0, 0.0, 0.0, 0.0]
        for user in users {
            count += user.count
            for index in gains.indices { gains[index] += user.gains[index] }
        }
        return gains.map { $0 / max(1, count) }
    }
}
