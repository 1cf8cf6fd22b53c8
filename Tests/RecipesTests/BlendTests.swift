import Primitives
import Recipes
import TestSupport
import Testing

/// Worlds with enough events that validation chooses.
@Suite
struct `A blend that validation chooses` {
    /// Everybody walks along a ring of 40 items from anywhere, now and then over a gap.
    static func ring(seed: UInt64) -> ListedHistories {
        var random = SeededGenerator(seed: seed)
        var histories: [[Interaction]] = []
        for user in 0..<150 {
            var item = Int.random(in: 0..<40, using: &random)
            histories.append(
                (0..<12).map { step in
                    item = (item + (Int.random(in: 0..<5, using: &random) == 0 ? 2 : 1)) % 40
                    return entry(item, at: Int64(user * 3 + step * 1_000))
                }
            )
        }
        return ListedHistories(itemCount: 40, histories: histories)
    }

    static let world = ring(seed: 3)

    @Test
    func `says what it tried, chose and expects`() throws {
        let model = try UserPersonalization().train(Self.world) { _ in true }
        let report = try #require(model.report)
        #expect(report.questionCount >= 100)
        #expect(report.candidates.count > 10)
        #expect((1...7).contains(report.chosen.count))
        let best = try #require(report.candidates.first)
        #expect(report.candidates.allSatisfy { $0.ndcgAt10 <= best.ndcgAt10 })
        #expect(report.blendNDCGAt10 >= 0.97 * best.ndcgAt10)
        // What comes next on the ring is among the first two almost always.
        #expect(report.blendNDCGAt10 > 0.7)
    }

    /// Each as the bench measures it beside the blend.
    @Test
    func `is of models that answer alone, too`() throws {
        let model = try UserPersonalization().train(Self.world) { _ in true }
        let names = try #require(model.report).candidates.map(\.name)
        #expect(names.contains("repeats(τ=1.5)"))
        for name in names {
            let alone = try SingleModel(name: name).train(Self.world) { _ in true }
            let list = alone.list([entry(3, at: 1), entry(7, at: 2)], of: all(40), count: 2)
            #expect(list.count == 2, "\(name)")
            if name.hasPrefix("repeats") { #expect(list == [7, 3], "\(name)") }
        }
        #expect(throws: RecipeError.self) {
            try SingleModel(name: "nobody").train(Self.world) { _ in true }
        }
    }

    @Test
    func `puts first what comes next`() throws {
        let model = try UserPersonalization().train(Self.world) { _ in true }
        for item in 0..<40 {
            let list = model.list([entry(item, at: 1)], of: all(40), count: 3)
            #expect(list.contains(UInt32((item + 1) % 40)))
        }
    }

    @Test
    func `makes the same bytes of the same data`() throws {
        let first = try UserPersonalization().train(Self.world) { _ in true }
        let second = try UserPersonalization().train(Self.world) { _ in true }
        #expect(first.artifact == second.artifact)
    }

    @Test
    func `goes on from its artifact as if it had never stopped`() throws {
        let model = try UserPersonalization().train(Self.world) { _ in true }
        let copy = try UserPersonalization().decode(model.artifact)
        #expect(copy.report == model.report)
        for live in [model.live, copy.live] {
            live.itemCountGrew(to: 42)
            var history = FollowedHistory(user: UserIndex(999))
            for step in 0..<30 { history.insert(entry(step % 42, at: Int64(step)), into: live) }
        }
        #expect(copy.artifact == model.artifact)
        let history = [entry(41, at: 1), entry(7, at: 2)]
        #expect(
            copy.list(history, of: all(42), count: 10)
                == model.list(history, of: all(42), count: 10)
        )
    }

    /// What a scratch keeps of popularity from one question to the next is never out of date.
    @Test
    func `answers alike with memory that has served other questions and models`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let trained = try UserPersonalization().train(Self.world) { _ in true }
        let models = [trained, try UserPersonalization().decode(trained.artifact)]
        var histories = models.map { _ in FollowedHistory(user: UserIndex(999)) }
        let used = RankingScratch()
        var itemCount = 40
        for step in 0..<300 {
            let which = Int.random(in: 0...1, using: &random)
            let item = Int.random(in: 0..<itemCount, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: histories[which].insert(entry(item, at: Int64(step)), into: models[which].live)
            case 1 where itemCount < 60:
                itemCount += 1
                for model in models { model.live.itemCountGrew(to: itemCount) }
            default: break
            }
            let candidates = all(itemCount)
            let history = [entry(item, at: Int64(step))]
            let query = RankingQuery(
                history: history.span,
                candidates: ItemBitmapView(words: candidates.words.span),
                count: 20
            )
            let fresh = RankingScratch()
            models[which].rank(query, scratch: used)
            models[which].rank(query, scratch: fresh)
            #expect(used.top == fresh.top, "seed \(seed), step \(step)")
        }
    }

    @Test
    func `refuses a broken artifact`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let bytes = try UserPersonalization().train(Self.world) { _ in true }.artifact
        for _ in 0..<100 {
            let cut = Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &random)))
            #expect(throws: RecipeError.self, "seed \(seed)") {
                try UserPersonalization().decode(cut)
            }
        }
    }

    /// Whatever was chosen, an event of anybody moves what follows its item.
    @Test
    func `learns of an item that came after the training`() throws {
        let model = try UserPersonalization().train(Self.world) { _ in true }
        model.live.itemCountGrew(to: 41)
        for user in 0..<40 {
            var history = FollowedHistory(user: UserIndex(UInt32(500 + user)))
            history.insert(entry(7, at: 20_000 + Int64(user)), into: model.live)
            history.insert(entry(40, at: 20_100 + Int64(user)), into: model.live)
        }
        let list = model.list([entry(7, at: 30_000)], of: all(41), count: 10)
        #expect(list.contains(40))
    }

    @Test
    func `stops at any step when it is told to`() {
        for stop in [0.02, 0.3, 0.5, 0.9] {
            #expect(throws: RecipeError(.cancelled, "the training was stopped")) {
                try UserPersonalization().train(Self.world) { $0 < stop }
            }
        }
    }

    /// Decades between two users, and half-lives of hours: nothing overflows.
    @Test
    func `takes histories that lie decades apart`() throws {
        let histories = (0..<60).map { user in
            (0..<10).map { step in
                let years = Int64(user * 7 % 60)
                return entry((user + step) % 30, at: years * 31_536_000_000 + Int64(step) * 60_000)
            }
        }
        let set = ListedHistories(itemCount: 30, histories: histories)
        let model = try UserPersonalization().train(set) { _ in true }
        let copy = try UserPersonalization().decode(model.artifact)
        #expect(copy.artifact == model.artifact)
        #expect(model.list([], of: all(30), count: 30).count == 30)
    }

    /// An artifact that answers needs positive recencies and weights: a flipped bit is refused, or
    /// makes another model, but never a crash.
    @Test
    func `survives flipped bits`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let bytes = try UserPersonalization().train(Self.world) { _ in true }.artifact
        for _ in 0..<100 {
            var flipped = bytes
            let at = Int.random(in: 0..<bytes.count, using: &random)
            flipped[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            guard let model = try? UserPersonalization().decode(flipped) else { continue }
            let list = model.list([entry(3, at: 1)], of: all(40), count: 5)
            #expect(list.count <= 5, "seed \(seed)")
        }
    }
}
