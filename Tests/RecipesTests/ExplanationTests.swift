import Primitives
import Recipes
import TestSupport
import Testing

@Suite
struct `An explanation` {
    static let recipes: [any Recipe] = RecipeCatalog.all.map(\.recipe)
    static let world = ListedHistories.clusters(4, itemsEach: 12, usersEach: 20, seed: 8)

    /// The terms, and the shares of the history's entries, add up to what the ranking says.
    @Test(arguments: recipes.indices)
    func `adds up to the score of every item`(index: Int) throws {
        let model = try Self.recipes[index].train(Self.world) { _ in true }
        var candidates = ItemBitmap()
        for item in 0..<48 { candidates.insert(item) }
        let words = candidates.words
        let scratch = RankingScratch()
        for user in [0, 1, 2, 3] {
            let history = Self.world.histories[user]
            let query = RankingQuery(
                history: history.span,
                candidates: ItemBitmapView(words: words.span),
                count: 48,
                item: ItemIndex(UInt32(user))
            )
            model.rank(query, scratch: scratch)
            let ranked = scratch.top
            #expect(ranked.count == 48)
            for one in ranked {
                let found = model.explain(one.item, query, scratch: scratch)
                expectSums(of: found, toBe: Double(one.score))
                for share in found.shares {
                    #expect(share.entry.map { history.indices.contains($0) } ?? true)
                }
            }
        }
    }
}
