import Primitives
import TestSupport
import Testing

@testable import Recipes

/// Four tastes of twenty items each; item `i` is of taste `i % 4`, as its record says.
@Suite
struct `What records say of items` {
    static func tokens(_ taste: Int, title: Int = 0) -> [ItemToken] {
        [
            ItemToken(hash: UInt64(taste), share: 1),
            ItemToken(hash: UInt64(1_000 + title), share: 1),
        ]
    }

    static let world: ListedHistories = {
        let plain = ListedHistories.clusters(4, itemsEach: 20, usersEach: 40, seed: 5)
        return ListedHistories(
            itemCount: 80,
            histories: plain.histories,
            described: (0..<80).map { tokens($0 % 4, title: $0) }
        )
    }()

    static let history = [entry(0, at: 1), entry(4, at: 2), entry(8, at: 3)]

    private func trained() throws -> any TrainedModel {
        let model = try UserPersonalization().train(Self.world) { _ in true }
        model.live.itemCountGrew(to: 82)
        return model
    }

    private func place(_ item: UInt32, _ model: any TrainedModel) throws -> Int {
        try #require(model.list(Self.history, of: all(82), count: 82).firstIndex(of: item))
    }

    @Test
    func `put a new item before those of other tastes`() throws {
        let model = try trained()
        model.live.describe(ItemIndex(80), Self.tokens(0, title: 80))
        model.live.describe(ItemIndex(81), Self.tokens(1, title: 81))
        #expect(try place(80, model) <= 20)
        #expect(try place(81, model) > 20)
        #expect(model.report?.chosen.contains { $0.name == "content" } == true)
    }

    @Test
    func `put it before a first training too`() throws {
        let model = UserPersonalization().emptyModel()
        model.live.itemCountGrew(to: 82)
        for item in 0..<80 {
            model.live.describe(ItemIndex(UInt32(item)), Self.tokens(item % 4, title: item))
        }
        model.live.describe(ItemIndex(80), Self.tokens(0, title: 80))
        #expect(try place(80, model) <= 20)
        model.live.describe(ItemIndex(80), Self.tokens(1, title: 80))
        #expect(try place(80, model) > 20)
    }

    @Test
    func `say nothing of an item without one`() throws {
        #expect(try place(80, trained()) >= 79)
    }

    @Test
    func `explain a new item by the history's items, exactly`() throws {
        let model = try trained()
        model.live.describe(ItemIndex(80), Self.tokens(0, title: 80))
        let scratch = RankingScratch()
        let words = all(82).words
        let query = RankingQuery(
            history: Self.history.span,
            candidates: ItemBitmapView(words: words.span),
            count: 82
        )
        model.rank(query, scratch: scratch)
        let listed = scratch.top.first { $0.item.rawValue == 80 }
        let explanation = model.explain(ItemIndex(80), query, scratch: scratch)
        #expect(explanation.components.contains { $0.name == "content" && $0.score > 0 })
        #expect(Set(explanation.shares.compactMap(\.entry)) == [0, 1, 2])
        let shares = explanation.shares.reduce(0) { $0 + $1.amount }
        #expect(abs(shares - explanation.sum) < 1e-4)
        #expect(abs(Double(try #require(listed).score) - explanation.sum) < 1e-4)
    }

    /// A genre that many have beside a title of three words that nobody else has, or one other.
    @Test
    func `count alike by column, however many words one has`() {
        let index = ContentIndex(.cold)
        index.grow(to: 4)
        func words(_ numbers: [UInt64]) -> [ItemToken] {
            numbers.map { ItemToken(hash: $0, share: 0.5, column: 1) }
        }
        let genre = ItemToken(hash: 1, share: 1, column: 0)
        index.describe(ItemIndex(0), [genre] + words([11, 12, 13]))
        index.describe(ItemIndex(1), [genre] + words([21, 22, 23, 24, 25]))
        index.describe(ItemIndex(2), words([11, 12, 13]))
        index.describe(ItemIndex(3), [ItemToken(hash: 2, share: 1)] + words([11, 22]))
        func check(_ member: UInt32, _ expected: Float) {
            #expect(abs(index.likeness(of: 0, to: member) - expected) < 1e-3, "\(member)")
        }
        // Half of a record is its genre; a record without one is its title alone.
        check(1, 0.5)
        check(2, Float(0.5).squareRoot())
        // One of three words, and of two: 1/sqrt(6) of half.
        check(3, 0.5 / Float(6).squareRoot())
    }

    /// A record is half its taste here, and half its title, before a training.
    @Test
    func `tell how alike items are to a history, whatever counts say`() {
        let model = UserPersonalization().emptyModel()
        model.live.itemCountGrew(to: 85)
        for item in 0..<80 {
            model.live.describe(ItemIndex(UInt32(item)), Self.tokens(item % 4, title: item))
        }
        let titles = [80: (0, 80), 81: (0, 80), 82: (0, 80), 83: (1, 80)]
        for (item, (taste, title)) in titles {
            let tokens = Self.tokens(taste, title: title)
            model.live.describe(ItemIndex(UInt32(item)), tokens)
        }
        // 81 has some events, 82 so many that its record counts for nothing any more.
        for (item, count) in [(81, 3), (82, 12)] {
            for user in 0..<count {
                let window = [entry(item, at: 9)]
                model.live.observe(
                    HistoryChange(
                        user: UserIndex(UInt32(900 + user)),
                        window: window,
                        index: 0,
                        isOnlyOneOfItem: true
                    )
                )
            }
        }
        let items: [UInt32] = [80, 81, 82, 83, 84]
        let found = likeness(of: items, Self.history, model)
        #expect(found.count == 5 && found[4] < 0)
        for (value, expected) in zip(found, [0.5, 0.5, 0.5, 0] as [Float]) {
            #expect(abs(value - expected) < 1e-3)
        }
        #expect(likeness(of: items, [], model).isEmpty)
        #expect(likeness(of: items, [entry(84, at: 1)], model).isEmpty)
        #expect(likeness(of: [], Self.history, model).isEmpty)
    }

    private func likeness(
        of items: [UInt32],
        _ history: [Interaction],
        _ model: any TrainedModel
    ) -> [Float] {
        let scratch = RankingScratch()
        let words = all(85).words
        model.rank(
            RankingQuery(
                history: history.span,
                candidates: ItemBitmapView(words: words.span),
                count: 10,
                unfamiliar: items
            ),
            scratch: scratch
        )
        return scratch.likeness
    }

    @Test
    func `hold over an artifact once they are told again`() throws {
        let model = try trained()
        let copy = try UserPersonalization().decode(model.artifact)
        for item in 0..<80 {
            copy.live.describe(ItemIndex(UInt32(item)), Self.tokens(item % 4, title: item))
        }
        for model in [model, copy] {
            model.live.describe(ItemIndex(80), Self.tokens(0, title: 80))
            model.live.observe(
                HistoryChange(
                    user: UserIndex(900),
                    window: [entry(80, at: 9)],
                    index: 0,
                    isOnlyOneOfItem: true
                )
            )
        }
        #expect(
            model.list(Self.history, of: all(82), count: 82)
                == copy.list(Self.history, of: all(82), count: 82)
        )
        #expect(model.artifact == copy.artifact)
    }

    @Test
    func `relate a new item, and relate others to it`() throws {
        let model = try ItemSimilarity(.similarItems).train(Self.world) { _ in true }
        model.live.itemCountGrew(to: 82)
        model.live.describe(ItemIndex(80), Self.tokens(0, title: 80))
        #expect(related(to: 0, model, count: 25).contains(80))
        #expect(related(to: 80, model, count: 20).allSatisfy { $0 % 4 == 0 })
    }
}

private func related(to item: UInt32, _ model: any TrainedModel, count: Int) -> [UInt32] {
    let scratch = RankingScratch()
    var candidates = all(82)
    candidates.remove(Int(item))
    let words = candidates.words
    let none: [Interaction] = []
    model.rank(
        RankingQuery(
            history: none.span,
            candidates: ItemBitmapView(words: words.span),
            count: count,
            item: ItemIndex(item)
        ),
        scratch: scratch
    )
    return scratch.top.map(\.item.rawValue)
}

@Suite
struct `An index of new items` {
    private static let small = ContentIndex.Membership(membersMax: 5, eventsMax: 3)

    /// What came of any order of events and records is what they say at the end.
    @Test(arguments: 0..<20)
    func `is a function of records and counts`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let live = ContentIndex(Self.small)
        live.grow(to: 30)
        var events = [Int64](repeating: 0, count: 30)
        var described = [[ItemToken]](repeating: [], count: 30)
        for _ in 0..<400 {
            let item = Int.random(in: 0..<30, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                described[item] = (0..<Int.random(in: 0..<4, using: &random)).map {
                    ItemToken(hash: UInt64((item + $0) % 6), share: 1)
                }
                live.describe(ItemIndex(UInt32(item)), described[item])
            case 1 where events[item] > 0:
                events[item] -= 1
                live.count(ItemIndex(UInt32(item)), sign: -1)
            default:
                events[item] += 1
                live.count(ItemIndex(UInt32(item)), sign: 1)
            }
        }
        let anew = ContentIndex(Self.small)
        anew.grow(to: 30)
        for item in 0..<30 {
            for _ in 0..<events[item] { anew.count(ItemIndex(UInt32(item)), sign: 1) }
        }
        for item in 0..<30 { anew.describe(ItemIndex(UInt32(item)), described[item]) }
        let wanted = (0..<30).filter { events[$0] < 3 && !described[$0].isEmpty }.suffix(5)
        #expect((0..<30).filter { live.isMember($0) } == Array(wanted))
        for source in 0..<UInt32(30) {
            var scores = [[Float](repeating: 0, count: 30), [Float](repeating: 0, count: 30)]
            var sums = TokenSums()
            live.add(like: source, scale: 1, &sums, to: &scores[0])
            var others = TokenSums()
            anew.add(like: source, scale: 1, &others, to: &scores[1])
            for item in 0..<30 { #expect(abs(scores[0][item] - scores[1][item]) < 1e-5) }
        }
    }
}
