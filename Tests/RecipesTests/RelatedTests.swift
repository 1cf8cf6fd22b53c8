import Primitives
import Recipes
import TestSupport
import Testing

private func ranked(
    _ model: any TrainedModel,
    by item: Int? = nil,
    of count: Int,
    best: Int
) -> [RankedItem] {
    let scratch = RankingScratch()
    let words = all(count).words
    let none: [Interaction] = []
    model.rank(
        RankingQuery(
            history: none.span,
            candidates: ItemBitmapView(words: words.span),
            count: best,
            item: item.map { ItemIndex(UInt32($0)) }
        ),
        scratch: scratch
    )
    return scratch.top
}

@Suite
struct `Items related to an item` {
    static let world = ListedHistories.clusters(4, itemsEach: 20, usersEach: 30, seed: 3)

    @Test(arguments: ["similar-items", "sims"])
    func `are those of its cluster`(identifier: String) throws {
        let recipe = try #require(RecipeCatalog.entry(identifier)).recipe
        let model = try recipe.train(Self.world) { _ in true }
        for item in 0..<8 {
            let top = ranked(model, by: item, of: 80, best: 10)
            #expect(top.allSatisfy { Int($0.item.rawValue) % 4 == item % 4 })
            #expect(top.allSatisfy { $0.reason == .related })
            #expect(!top.contains { Int($0.item.rawValue) == item })
        }
    }

    @Test(arguments: ["similar-items", "sims"])
    func `are popular ones where nothing is known of it`(identifier: String) throws {
        let recipe = try #require(RecipeCatalog.entry(identifier)).recipe
        let model = try recipe.train(Self.world) { _ in true }
        model.live.itemCountGrew(to: 81)
        for unknown in [nil, 80] {
            let top = ranked(model, by: unknown, of: 81, best: 10)
            #expect(top.count == 10 && top.allSatisfy { $0.reason == .popular })
        }
    }

    /// Items 1 and 2 stand near 0 four times each, but 2 stands near everything.
    @Test
    func `are less popular the more popularity is discounted`() throws {
        var histories: [[Interaction]] = []
        for _ in 0..<4 { histories.append([entry(0, at: 1), entry(1, at: 2)]) }
        for _ in 0..<5 { histories.append([entry(0, at: 1), entry(2, at: 2)]) }
        for other in 3..<13 { histories.append([entry(2, at: 1), entry(other, at: 2)]) }
        let set = ListedHistories(itemCount: 13, histories: histories)
        func best(_ discount: Float, atLeast minimum: UInt32 = 1) throws -> [RankedItem] {
            let recipe = ItemSimilarity(
                .init(identifier: "sims", discount: discount, minimumCount: minimum)
            )
            return ranked(try recipe.train(set) { _ in true }, by: 0, of: 13, best: 3)
        }
        #expect(try best(0).first?.item == ItemIndex(2))
        #expect(try best(1).first?.item == ItemIndex(1))
        // Four events are too few now.
        #expect(try best(1, atLeast: 5).map(\.reason) == [.related, .popular, .popular])
    }

    @Test
    func `learn an event at once`() throws {
        let model = try ItemSimilarity(.similarItems).train(Self.world) { _ in true }
        model.live.itemCountGrew(to: 81)
        var history = FollowedHistory(user: UserIndex(999))
        history.insert(entry(80, at: 1), into: model.live)
        history.insert(entry(5, at: 2), into: model.live)
        #expect(ranked(model, by: 80, of: 81, best: 1).map(\.item) == [ItemIndex(5)])
        #expect(ranked(model, by: 5, of: 81, best: 20).contains { $0.item == ItemIndex(80) })
    }
}

@Suite
struct `A trend` {
    static let hour: Int64 = 3_600_000

    static func model(_ events: [(item: Int, hours: Int64, count: Int)]) -> any TrainedModel {
        let model = TrendingNow().emptyModel()
        model.live.itemCountGrew(to: 10)
        for (user, event) in events.enumerated() {
            var history = FollowedHistory(user: UserIndex(UInt32(user)))
            for _ in 0..<event.count {
                history.insert(entry(event.item, at: event.hours * hour), into: model.live)
            }
        }
        return model
    }

    @Test
    func `is what grew most, and popular items behind it`() {
        let model = Self.model([(0, 1, 500), (0, 100, 20), (0, 102, 20), (1, 102, 6), (2, 100, 3)])
        let top = ranked(model, of: 10, best: 3)
        #expect(top.map(\.item.rawValue) == [1, 0, 2])
        #expect(top.map(\.reason) == [.trending, .popular, .popular])
    }

    @Test
    func `moves with time as the events tell it`() {
        let model = Self.model([(1, 100, 5), (2, 102, 5)])
        #expect(ranked(model, of: 10, best: 1).first?.item == ItemIndex(2))
        var later = FollowedHistory(user: UserIndex(77))
        later.insert(entry(3, at: 104 * Self.hour), into: model.live)
        #expect(ranked(model, of: 10, best: 1).map(\.item) == [ItemIndex(3)])
    }

    @Test
    func `is taken back with its events`() {
        let model = Self.model([(4, 100, 9)])
        var history = FollowedHistory(user: UserIndex(77))
        history.insert(entry(5, at: 102 * Self.hour), into: model.live)
        history.remove(at: 0, from: model.live)
        let top = ranked(model, of: 10, best: 2)
        #expect(top.map(\.reason) == [.trending, .popular])
        #expect(top.first?.item == ItemIndex(4))
    }
}

@Suite
struct `Scores of an answer` {
    @Test
    func `are a softmax over the items that may be recommended`() throws {
        let world = ListedHistories.clusters(4, itemsEach: 50, usersEach: 10, seed: 9)
        let model = try UserPersonalization().train(world) { _ in true }
        for missing in [0, 37] {
            var candidates = all(200)
            for item in 0..<missing { candidates.remove(item * 3) }
            let scratch = RankingScratch()
            scratch.wantsPartition = true
            let words = candidates.words
            let history = world.histories[5]
            func rank(_ count: Int) -> ScoreScale {
                model.rank(
                    RankingQuery(
                        history: history.span,
                        candidates: ItemBitmapView(words: words.span),
                        count: count
                    ),
                    scratch: scratch
                )
                return ScoreScale(scratch)
            }
            let few = rank(5)
            let first = scratch.top[0].score
            let whole = rank(200)
            let scores = scratch.top.map { whole.score($0.score) }
            #expect(abs(scores.reduce(0, +) - 1) < 1e-4)
            #expect(scores == scores.sorted(by: >))
            // How many are asked for does not matter.
            #expect(abs(few.score(first) - scores[0]) < 1e-6)
        }
    }

    @Test
    func `are never above 1, also where one item alone may be recommended`() throws {
        let world = ListedHistories.clusters(4, itemsEach: 50, usersEach: 10, seed: 9)
        let model = try UserPersonalization().train(world) { _ in true }
        let scratch = RankingScratch()
        scratch.wantsPartition = true
        for item in 0..<200 {
            var candidates = ItemBitmap()
            candidates.insert(item)
            let words = candidates.words
            let history = world.histories[item % 40]
            model.rank(
                RankingQuery(
                    history: history.span,
                    candidates: ItemBitmapView(words: words.span),
                    count: 1
                ),
                scratch: scratch
            )
            let score = ScoreScale(scratch).score(scratch.top[0].score)
            #expect(score <= 1 && score > 0.999)
        }
    }

    @Test
    func `are all alike when nothing is known`() {
        let items = (0..<4).map { RankedItem(item: ItemIndex($0), score: 0, reason: .popular) }
        let scale = ScoreScale(over: items)
        #expect(items.map { scale.score($0.score) } == [0.25, 0.25, 0.25, 0.25])
    }
}
