import Primitives
import Recipes
import TestSupport
import Testing

/// What every recipe promises.
@Suite
struct `Every recipe` {
    static let recipes: [any Recipe] = RecipeCatalog.all.map(\.recipe)
    static let world = ListedHistories.clusters(4, itemsEach: 12, usersEach: 8, seed: 5)

    @Test(arguments: recipes.indices)
    func `fills the list for anybody, with candidates only`(index: Int) throws {
        let model = try Self.recipes[index].train(Self.world) { _ in true }
        var some = all(48)
        for item in 0..<40 { some.remove(item) }
        for history in [[], Self.world.histories[0], [entry(47, at: 1)]] {
            #expect(Set(model.list(history, of: all(48), count: 25)).count == 25)
            #expect(Set(model.list(history, of: some, count: 25)) == Set(40..<48))
            #expect(model.list(history, of: ItemBitmap(), count: 25).isEmpty)
        }
    }

    @Test(arguments: recipes.indices)
    func `makes the same bytes of the same data`(index: Int) throws {
        let first = try Self.recipes[index].train(Self.world) { _ in true }
        let second = try Self.recipes[index].train(Self.world) { _ in true }
        #expect(first.artifact == second.artifact)
    }

    @Test(arguments: recipes.indices)
    func `goes on from its artifact as if it had never stopped`(index: Int) throws {
        let recipe = Self.recipes[index]
        let model = try recipe.train(Self.world) { _ in true }
        let copy = try recipe.decode(model.artifact)
        for live in [model.live, copy.live] {
            var history = FollowedHistory(user: UserIndex(999))
            for step in 0..<30 { history.insert(entry(step % 7, at: Int64(step)), into: live) }
        }
        #expect(copy.artifact == model.artifact)
    }

    @Test(arguments: recipes.indices)
    func `refuses a broken artifact`(index: Int) throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let recipe = Self.recipes[index]
        let bytes = try recipe.train(Self.world) { _ in true }.artifact
        for _ in 0..<200 {
            let cut = Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &random)))
            #expect(throws: RecipeError.self, "seed \(seed)") { try recipe.decode(cut) }
        }
    }

    @Test(arguments: recipes.indices)
    func `stops when it is told to`(index: Int) {
        #expect(throws: RecipeError(.cancelled, "the training was stopped")) {
            try Self.recipes[index].train(Self.world) { _ in false }
        }
    }

    @Test(arguments: recipes.indices)
    func `learns live what it would have learnt by training`(index: Int) throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let recipe = Self.recipes[index]
        let live = recipe.emptyModel()
        live.live.itemCountGrew(to: 20)
        var followed: [FollowedHistory] = []
        for user in 0..<6 {
            var history = FollowedHistory(user: UserIndex(UInt32(user)))
            // Late events go between others; some are taken back.
            for _ in 0..<40 {
                let time = Int64.random(in: 0..<1_000, using: &random)
                history.insert(
                    entry(Int.random(in: 0..<20, using: &random), at: time),
                    into: live.live
                )
                if Int.random(in: 0..<6, using: &random) == 0 {
                    let at = Int.random(in: 0..<history.entries.count, using: &random)
                    history.remove(at: at, from: live.live)
                }
            }
            followed.append(history)
        }
        let trained = try recipe.train(
            ListedHistories(itemCount: 20, histories: followed.map(\.entries))
        ) { _ in true }
        for history in followed {
            let expected = trained.list(history.entries, of: all(20), count: 5)
            #expect(live.list(history.entries, of: all(20), count: 5) == expected, "seed \(seed)")
        }
    }
}

@Suite
struct `Popularity count` {
    @Test
    func `counts distinct users`() throws {
        let often = [entry(0, at: 1), entry(0, at: 2), entry(0, at: 3)]
        let set = ListedHistories(
            itemCount: 3,
            histories: [often, [entry(1, at: 1)], [entry(1, at: 2)]]
        )
        let model = try PopularityCount().train(set) { _ in true }
        #expect(model.list([], of: all(3), count: 3) == [1, 0, 2])
    }
}

/// Users and items have hidden clusters; item `i` is of cluster `i % 4`.
@Suite
struct `User personalization in a world of clusters` {
    static let world = ListedHistories.clusters(4, itemsEach: 20, usersEach: 30, seed: 11)

    static func model(_ isTrained: Bool) throws -> any TrainedModel {
        guard !isTrained else { return try UserPersonalization().train(world) { _ in true } }
        let model = UserPersonalization().emptyModel()
        model.live.itemCountGrew(to: 80)
        for (index, history) in world.histories.enumerated() {
            var followed = FollowedHistory(user: UserIndex(UInt32(index)))
            for entry in history { followed.insert(entry, into: model.live) }
        }
        return model
    }

    @Test(arguments: [true, false])
    func `fills the list from the cluster of one event`(isTrained: Bool) throws {
        let model = try Self.model(isTrained)
        for cluster in 0..<4 {
            let list = model.list([entry(cluster + 8, at: 1)], of: all(80), count: 10)
            #expect(list.filter { Int($0) % 4 == cluster }.count == 10)
        }
    }

    @Test(arguments: [true, false])
    func `moves a stranger's list by one item at most`(isTrained: Bool) throws {
        let model = try Self.model(isTrained)
        let stranger = Self.world.histories[1]
        let before = model.list(stranger, of: all(80), count: 10)
        var newcomer = FollowedHistory(user: UserIndex(1_000))
        newcomer.insert(entry(8, at: 1), into: model.live)
        newcomer.insert(entry(12, at: 2), into: model.live)
        let after = model.list(stranger, of: all(80), count: 10)
        #expect(Set(before).intersection(after).count >= 9)
        for changed in Set(after).subtracting(before) { #expect([8, 12].contains(changed)) }
    }

    @Test
    func `gives popular items to a user without a history`() throws {
        let model = try Self.model(true)
        var popular = FollowedHistory(user: UserIndex(1_000))
        for step in 0..<50 {
            popular.insert(entry(3, at: 200_000 + Int64(step)), into: model.live)
        }
        #expect(model.list([], of: all(80), count: 1) == [3])
    }

    /// Nothing that decays is left of ten years ago; what was liked by many still is.
    @Test
    func `doesn't put one event after a long pause above what many liked`() throws {
        let model = try Self.model(true)
        for user in 0..<60 {
            var one = FollowedHistory(user: UserIndex(UInt32(2_000 + user)))
            one.insert(entry(3, at: 200_000), into: model.live)
        }
        let before = model.list([], of: all(80), count: 10)
        var late = FollowedHistory(user: UserIndex(1_000))
        late.insert(entry(Int(before[9]), at: 3_650 * 86_400_000), into: model.live)
        let after = model.list([], of: all(80), count: 10)
        #expect(before[0] == 3 && after[0] == 3)
        // It moves up, and pushes nothing out.
        #expect(Set(after) == Set(before))
        #expect(after[9] != before[9])
    }
}

@Suite
struct `A ranking` {
    /// The kernel skips blocks of 64 that hold nothing good enough; the oracle sorts.
    @Test
    func `is what sorting everything would give`() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let count = Int.random(in: 1...700, using: &random)
            let model = PopularityCount().emptyModel()
            model.live.itemCountGrew(to: count)
            var candidates = ItemBitmap()
            var likes = [Int](repeating: 0, count: count)
            for item in 0..<count {
                if Int.random(in: 0..<5, using: &random) > 0 { candidates.insert(item) }
                likes[item] = Int.random(in: 0..<6, using: &random)
                for user in 0..<likes[item] {
                    var history = FollowedHistory(user: UserIndex(UInt32(user)))
                    history.insert(entry(item, at: 1), into: model.live)
                }
            }
            let expected = (0..<count).filter { candidates.contains($0) }
                .sorted { (-likes[$0], $0) < (-likes[$1], $1) }.prefix(30)
            let list = model.list([], of: candidates, count: 30)
            #expect(list.map { Int($0) } == Array(expected), "seed \(seed)")
        }
    }
}
