import Primitives
import Recipes
import TestSupport
import Testing

/// Four tastes; each user has an attribute of their taste, and one that all have.
@Suite
struct `Users alike` {
    static func tokens(_ taste: Int) -> [ItemToken] {
        [ItemToken(hash: UInt64(taste), share: 1), ItemToken(hash: 99, share: 1)]
    }

    static let world: ListedHistories = {
        let plain = ListedHistories.clusters(4, itemsEach: 20, usersEach: 40, seed: 5)
        return ListedHistories(
            itemCount: 80,
            histories: plain.histories,
            users: (0..<160).map { tokens($0 % 4) }
        )
    }()

    private func ranked(
        _ model: any TrainedModel,
        _ history: [Interaction],
        _ tokens: [ItemToken]
    ) -> [RankedItem] {
        let scratch = RankingScratch()
        let words = all(80).words
        model.rank(
            RankingQuery(
                history: history.span,
                candidates: ItemBitmapView(words: words.span),
                count: 80,
                userTokens: tokens
            ),
            scratch: scratch
        )
        return scratch.top
    }

    private func share(_ list: [RankedItem], of taste: UInt32) -> Int {
        list.prefix(10).count { $0.item.rawValue % 4 == taste }
    }

    @Test
    func `say what somebody new gets`() throws {
        let model = try UserPersonalization().train(Self.world) { _ in true }
        for taste in 0..<4 {
            let list = ranked(model, [], Self.tokens(taste))
            #expect(share(list, of: UInt32(taste)) == 10)
            #expect(list.allSatisfy { $0.reason == .popular })
        }
        let nobody = ranked(model, [], [])
        let unheardOf = ranked(model, [], [ItemToken(hash: 12_345, share: 1)])
        #expect(nobody == unheardOf)
        #expect((0..<4).allSatisfy { share(nobody, of: UInt32($0)) < 10 })
    }

    @Test
    func `say less with every event, and nothing after five`() throws {
        let model = try UserPersonalization().train(Self.world) { _ in true }
        var history: [Interaction] = []
        for step in 0..<5 {
            history.append(entry(4 * step + 1, at: Int64(step)))
            let list = ranked(model, history, Self.tokens(0))
            if step >= 1 { #expect(share(list, of: 1) >= 8) }
        }
        #expect(ranked(model, history, Self.tokens(0)) == ranked(model, history, []))
    }

    @Test
    func `are a part of the explanation`() throws {
        let trained = try UserPersonalization().train(Self.world) { _ in true }
        let model = try UserPersonalization().decode(trained.artifact)
        let scratch = RankingScratch()
        let words = all(80).words
        let history = [entry(1, at: 1)]
        let query = RankingQuery(
            history: history.span,
            candidates: ItemBitmapView(words: words.span),
            count: 80,
            userTokens: Self.tokens(0)
        )
        model.rank(query, scratch: scratch)
        for ranked in scratch.top {
            let found = model.explain(ranked.item, query, scratch: scratch)
            #expect(found.components.contains { $0.name == "users alike" })
            let shares = found.shares.reduce(0) { $0 + $1.amount }
            #expect(abs(found.sum - Double(ranked.score)) < 1e-4)
            #expect(abs(shares - Double(ranked.score)) < 1e-4)
        }
    }
}
