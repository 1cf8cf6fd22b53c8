import Primitives
import TestSupport
import Testing

@testable import Recipes

@Suite
struct `Session neighbours` {
    /// The formula, read literally.
    private static func expected(
        _ sessions: [[Int]],
        after history: [Int],
        itemCount: Int
    ) -> [Float] {
        var ages: [(item: Int, age: Int)] = []
        for (age, item) in history.reversed().enumerated()
        where !ages.contains(where: { $0.item == item }) {
            ages.append((item, age))
        }
        ages = ages.filter { Double($0.age) <= 10.5 }
        func weight(_ age: Int) -> Float { Elementary.exp(-Float(age) / 1.5) }
        let sum = ages.reduce(Float(0)) { $0 + weight($1.age) }
        var scores = [Float](repeating: 0, count: itemCount)
        for whole in sessions {
            let session = Array(whole.suffix(15))
            let shared = ages.filter { session.contains($0.item) }
            guard let match = shared.first, session != Array(history.suffix(15)) else { continue }
            let value =
                shared.reduce(Float(0)) { $0 + weight($1.age) / sum }
                / Float(session.count).squareRoot()
            let middle = session.lastIndex(of: match.item) ?? 0
            for (place, item) in session.enumerated() {
                scores[item] += value * Elementary.exp(-Float(abs(place - middle)) / 2)
            }
        }
        return scores
    }

    private static func scores(
        _ neighbours: SessionNeighbours,
        after history: [Int],
        itemCount: Int
    ) -> [Float] {
        let weights = HistoryWeights()
        let entries = history.enumerated().map { entry($1, at: Int64($0)) }
        weights.begin(entries.span)
        var scores = [Float](repeating: 0, count: itemCount)
        let largest = neighbours.add(weights, scale: 1, to: &scores)
        #expect(largest == scores.max())
        return scores
    }

    private static func isClose(_ left: [Float], _ right: [Float]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { abs($0 - $1) < 1e-5 }
    }

    /// Observes, takes back and puts late: the sessions are those of what is left.
    @Test(arguments: 0..<20)
    func `score what the formula says of what was observed`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let live = FollowingSessions()
        var followed: [FollowedHistory] = []
        for user in 0..<12 {
            var history = FollowedHistory(user: UserIndex(UInt32(user * 70)))
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                let time = Int64.random(in: 0..<1_000_000, using: &random)
                history.insert(
                    entry(Int.random(in: 0..<25, using: &random), at: time),
                    into: live
                )
                if Int.random(in: 0..<4, using: &random) == 0 {
                    let at = Int.random(in: 0..<history.entries.count, using: &random)
                    history.remove(at: at, from: live)
                }
            }
            followed.append(history)
        }
        let sessions = followed.map { $0.entries.map { Int($0.item.rawValue) } }
        let loaded = SessionNeighbours()
        var log = InteractionLog(itemCount: 25)
        for history in followed { log.append(history.entries) }
        loaded.load(log)
        for history in [[3], [3, 4, 3], [], [24, 1, 2, 9], sessions[0], sessions[5]] {
            let expected = Self.expected(sessions, after: history, itemCount: 25)
            for neighbours in [live.sessions, loaded] {
                let found = Self.scores(neighbours, after: history, itemCount: 25)
                #expect(Self.isClose(found, expected), "\(history)")
            }
        }
        for (index, history) in followed.enumerated() {
            for at in history.entries.indices.reversed() {
                followed[index].remove(at: at, from: live)
            }
        }
        #expect((0..<25).allSatisfy { live.sessions.row(of: $0).isEmpty })
    }

    @Test
    func `say exactly what each item of a history adds`() {
        let neighbours = SessionNeighbours()
        var log = InteractionLog(itemCount: 6)
        for items in [[0, 1, 2], [1, 3, 2, 2], [4, 5], [0, 2]] {
            log.append(items.enumerated().map { entry($1, at: Int64($0)) })
        }
        neighbours.load(log)
        let weights = HistoryWeights()
        let history = [entry(0, at: 1), entry(1, at: 2)]
        weights.begin(history.span)
        let scores = Self.scores(neighbours, after: [0, 1], itemCount: 6)
        for item in 0..<6 {
            let shares = neighbours.shares(of: UInt32(item), weights)
            let sum = shares.reduce(0) { $0 + $1.amount }
            #expect(abs(sum - Double(scores[item])) < 1e-5)
        }
        #expect(Set(neighbours.shares(of: 2, weights).map(\.age)) == [0, 1])
        #expect(neighbours.shares(of: 5, weights).isEmpty)
    }

    @Test
    func `keep the last to come by of too many`() {
        let neighbours = SessionNeighbours()
        let count = Limits.sessionRowMax * 2
        for owner in 0..<count {
            let window = [entry(7, at: Int64(owner))]
            neighbours.change(UserIndex(UInt32(owner)), window, at: 0, sign: 1)
        }
        let row = neighbours.row(of: 7)
        #expect((Limits.sessionRowMax...Limits.sessionRowMax * 5 / 4).contains(row.count))
        #expect(row == (UInt32(count - row.count)..<UInt32(count)).map { $0 })
    }

    @Test
    func `are the same from their artifact`() throws {
        let world = ListedHistories.clusters(4, itemsEach: 12, usersEach: 8, seed: 5)
        let log = try InteractionLog(world) { _ in true }
        let bytes = ByteWriter()
        let neighbours = SessionNeighbours()
        neighbours.load(log)
        neighbours.encode(into: ArtifactWriter(bytes, tag: 1))
        let written = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
        let copy = SessionNeighbours()
        var reader = try ArtifactReader(written, tag: 1)
        try copy.decode(&reader, itemCount: 48)
        try reader.end()
        for item in 0..<48 {
            #expect(copy.row(of: UInt32(item)) == neighbours.row(of: UInt32(item)))
        }
        for owner in 0..<32 as Range<UInt32> {
            #expect(copy.tail(of: owner) == neighbours.tail(of: owner))
        }
        for cut in stride(from: 4, to: written.count, by: 97) {
            #expect(throws: RecipeError.self) {
                var reader = try ArtifactReader(Array(written[..<cut]), tag: 1)
                try SessionNeighbours().decode(&reader, itemCount: 48)
            }
        }
    }
}

/// A live part that has sessions alone.
private final class FollowingSessions: LivePart {
    let sessions = SessionNeighbours()

    func observe(_ change: HistoryChange) {
        sessions.change(change.user, change.window, at: change.index, sign: 1)
    }

    func retract(_ change: HistoryChange) {
        sessions.change(change.user, change.window, at: change.index, sign: -1)
    }

    func itemCountGrew(to itemCount: Int) {}
}

/// Sessions whose end neither their first item nor their second tells, but both.
@Suite
struct `A blend with sessions` {
    static let world: ListedHistories = {
        var random = SeededGenerator(seed: 9)
        let histories = (0..<2_000).map { user in
            let first = Int.random(in: 0..<4, using: &random)
            let second = Int.random(in: 0..<4, using: &random)
            return [first, 4 + second, 8 + (first + second) % 4].enumerated().map { step, item in
                entry(item, at: Int64(user * 10_000 + step))
            }
        }
        return ListedHistories(itemCount: 12, histories: histories)
    }()

    private static let model: BlendModel = {
        let terms =
            UserPersonalization.usual + [BlendTerm(source: .sessions, weight: 1, scale: 50)]
        let model = BlendModel(terms: terms, passes: [], spanMS: 0, report: TrainingReport())
        model.itemCountGrew(to: 12)
        for (user, entries) in world.histories.enumerated() {
            var history = FollowedHistory(user: UserIndex(UInt32(user)))
            for entry in entries { history.insert(entry, into: model) }
        }
        return model
    }()

    @Test
    func `is chosen where two items say more than the sum of what each says`() throws {
        let model = try UserPersonalization().train(Self.world) { _ in true }
        let report = try #require(model.report)
        #expect(report.candidates.first?.name == "sessions", "\(report.candidates)")
        #expect(report.chosen.contains { $0.name == "sessions" }, "\(report.chosen)")
    }

    @Test
    func `explains its sums, and goes on from its artifact`() throws {
        let copy = try BlendModel(Self.model.artifact)
        let history = [entry(3, at: 1), entry(6, at: 2)]
        let words = all(12).words
        let query = RankingQuery(
            history: history.span,
            candidates: ItemBitmapView(words: words.span),
            count: 12
        )
        let scratch = RankingScratch()
        Self.model.rank(query, scratch: scratch)
        let top = scratch.top
        copy.rank(query, scratch: scratch)
        #expect(scratch.top == top)
        #expect(copy.artifact == Self.model.artifact)
        var explained = false
        for ranked in top.prefix(10) {
            let explanation = Self.model.explain(ranked.item, query, scratch: scratch)
            #expect(abs(explanation.sum - Double(ranked.score)) < 1e-4)
            let shares = explanation.shares.reduce(0) { $0 + $1.amount }
            #expect(abs(shares - explanation.sum) < 1e-4)
            explained =
                explained
                || explanation.components.contains { $0.name == "sessions alike" && $0.score > 0 }
        }
        #expect(explained)
    }
}
