import Engine
import Journal
import Primitives
import Recipes
import Testing

@testable import Serving

private let day: Int64 = 86_400_000

private func all(_ count: Int) -> ItemBitmap {
    var bitmap = ItemBitmap()
    for index in 0..<count { bitmap.insert(index) }
    return bitmap
}

/// Items 0..<10 as a model ranked them, best first.
private let ranked = (0..<10).map { index in
    RankedItem(item: ItemIndex(UInt32(index)), score: Float(10 - index), reason: .sequence)
}

private func pool(_ weights: [UInt32: Float], age: Int64 = 0) -> ExplorationPool {
    let items = weights.keys.sorted()
    return ExplorationPool(
        items: items,
        weights: items.compactMap { weights[$0] },
        createdMS: items.map { _ in 1_000 * day - age }
    )
}

private func explore(
    _ pool: ExplorationPool,
    weight: Float,
    seed: UInt64,
    count: Int = 10,
    candidates: ItemBitmap = all(30),
    likeness: [Float] = []
) -> [ServedSlot] {
    var slots: [ServedSlot] = []
    var scratch = Explorer.Scratch()
    Explorer(
        settings: ExplorationSettings(weight: weight, itemAgeMaxMS: 30 * day),
        seed: seed
    ).fill(
        &slots,
        count: count,
        ranked: ranked,
        pool: pool,
        likeness: likeness,
        candidates: candidates,
        newestMS: 1_000 * day,
        &scratch
    )
    return slots
}

@Suite
struct `Exploration` {
    static let weights: [UInt32: Float] = [3: 1, 20: 1, 21: 0.5, 22: 0.25]

    @Test
    func `at weight 0 leaves the model's list`() {
        for seed in 0..<200 as Range<UInt64> {
            let slots = explore(pool(Self.weights), weight: 0, seed: seed)
            #expect(slots.map(\.item) == ranked.map(\.item))
            #expect(slots.allSatisfy { $0.propensity == 1 && !$0.reasons.contains(.explored) })
        }
    }

    @Test
    func `at weight 1 has a quarter of the slots, and never the first of several`() {
        var many: [UInt32: Float] = [:]
        for item in 20..<30 as Range<UInt32> { many[item] = 1 }
        var explored = 0
        for seed in 0..<4_000 as Range<UInt64> {
            let slots = explore(pool(many), weight: 1, seed: seed)
            #expect(Set(slots.map(\.item)).count == 10)
            #expect(!slots[0].reasons.contains(.explored))
            explored += slots.count { $0.reasons.contains(.explored) }
        }
        #expect(abs(Double(explored) / 40_000 - 0.25) < 0.01)
    }

    /// Each slot's stated probability is that of the item in it, given those above it.
    @Test(arguments: [[], [0, 0.5, 0.3, -1]] as [[Float]])
    func `states the probability of every list`(likeness: [Float]) {
        var lists: [[ItemIndex]: (times: Int, stated: Float)] = [:]
        let runs = 40_000
        for seed in 0..<UInt64(runs) {
            let slots = explore(
                pool(Self.weights),
                weight: 1,
                seed: seed,
                count: 3,
                likeness: likeness
            )
            let stated = slots.reduce(1) { $0 * $1.propensity }
            let list = slots.map(\.item)
            lists[list, default: (0, stated)].times += 1
            #expect(abs(lists[list, default: (0, 0)].stated - stated) < 1e-5)
        }
        #expect(lists.count > 5)
        for (list, found) in lists {
            let expected = Double(found.stated) * Double(runs)
            // Five standard deviations.
            #expect(abs(Double(found.times) - expected) < 5 * expected.squareRoot() + 2, "\(list)")
        }
        let sum = lists.values.reduce(0) { $0 + Double($1.stated) }
        #expect(abs(sum - 1) < 0.01)
    }

    @Test
    func `changes a list only where a weight changed`() {
        var changed = Self.weights
        changed[22] = 0.125
        var moved = 0
        for seed in 0..<500 as Range<UInt64> {
            let before = explore(pool(Self.weights), weight: 1, seed: seed)
            let after = explore(pool(changed), weight: 1, seed: seed)
            guard before.map(\.item) != after.map(\.item) else { continue }
            moved += 1
            // It was there and is there no more, or lower.
            #expect(before.contains { $0.item == ItemIndex(22) })
        }
        #expect(moved < 100)
    }

    @Test
    func `takes first what is like the history, and sometimes what is not`() {
        var many: [UInt32: Float] = [:]
        for item in 10..<30 as Range<UInt32> { many[item] = 1 }
        // Of twenty, two are alike and of two no record speaks.
        let likeness = (0..<20).map { $0 < 2 ? 0.4 : $0 < 4 ? -1 : $0 < 6 ? 0.29 : Float(0.01) }
        var times = [Int](repeating: 0, count: 30)
        let runs = 10_000
        for seed in 0..<UInt64(runs) {
            let slots = explore(pool(many), weight: 1, seed: seed, count: 2, likeness: likeness)
            times[Int(slots[1].item.rawValue)] += 1
        }
        // Weights: twice 1, twice 1/8, twice 1/2, fourteen times 1/64.
        let sum = 2 + 0.25 + 1 + 14.0 / 64
        for (items, weight) in [
            (10..<12, 1), (12..<14, 0.125), (14..<16, 0.5), (16..<30, 1.0 / 64),
        ] {
            // At weight 1 the second of two slots explores half the time.
            let expected = 0.5 * weight / sum * Double(items.count * runs)
            let found = Double(times[items].reduce(0, +))
            #expect(abs(found - expected) < 5 * expected.squareRoot(), "\(items)")
        }
    }

    @Test(
        arguments: [
            ([0.5, 0.25], [1, 0.25]), ([0.5, 0.49], [1, 0.5]), ([0.5, 0], [1, 1 / 64]),
            ([0.5, -1], [1, 1 / 8]), ([0, 0], [1, 1]), ([-1, 0], [1, 1]),
            ([1e-3, 1e-20], [1, 1 / 64]),
        ] as [([Float], [Float])]
    )
    func `weighs likeness by powers of two`(likeness: [Float], factors: [Float]) {
        let closeness = likeness.map { Affinity.closeness($0) }
        let closest = closeness.max() ?? 0
        #expect(closeness.map { Affinity.factor($0, closest: closest) } == factors)
    }

    @Test
    func `takes nothing that is too old, or no candidate`() {
        for seed in 0..<300 as Range<UInt64> {
            let old = explore(pool(Self.weights, age: 31 * day), weight: 1, seed: seed)
            #expect(old.map(\.item) == ranked.map(\.item))
            let few = explore(pool(Self.weights), weight: 1, seed: seed, candidates: all(21))
            #expect(!few.contains { $0.item > ItemIndex(20) })
        }
    }
}

@Suite
struct `The pool of what is explored` {
    /// Against a search of all members whenever somebody comes.
    @Test(arguments: 0..<10)
    func `lets the newest in for the oldest`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let exposure = ItemExposure()
        let limit = Limits.explorationPoolMax
        var created: [Int64] = []
        var pool: Set<Int> = []
        func enter(_ item: Int) {
            guard !pool.contains(item) else { return }
            if pool.count == limit {
                let least = pool.min { (created[$0], $0) < (created[$1], $1) } ?? 0
                guard (created[least], least) < (created[item], item) else { return }
                pool.remove(least)
            }
            pool.insert(item)
        }
        for _ in 0..<limit * 3 {
            let isNew = created.count < limit || Int.random(in: 0..<3, using: &random) > 0
            let item = isNew ? created.count : Int.random(in: 0..<created.count, using: &random)
            let time = Int64.random(in: 0..<500, using: &random)
            if isNew {
                // Known before it is dated.
                created.append(.max)
                enter(item)
            }
            created[item] = time
            enter(item)
            exposure.stored(
                ItemIndex(UInt32(item)),
                createdAt: Timestamp(milliseconds: time)
            )
            exposure.publish()
        }
        #expect(exposure.pool.current.items == pool.sorted().map { UInt32($0) })
        #expect(exposure.pool.current.createdMS == pool.sorted().map { created[$0] })
    }
}

@Suite
struct `Served lists` {
    static func list(_ count: UInt32, noise: Bool, previous: UInt64? = nil) -> ServedList {
        ServedList(
            group: GroupIndex(7),
            campaign: "datasetGroups/g/campaigns/\(count % 3)",
            version: "datasetGroups/g/solutions/s/versions/v",
            seed: UInt64(count) << 40,
            previous: previous,
            items: (0..<count).map { ItemIndex($0 * 3) },
            propensities: (0..<count).map { noise ? 1 / Float($0 + 2) : 1 }
        )
    }

    @Test
    func `are read back as they were served`() throws {
        let lists = ServedLists(hash: StableHash(key: (1, 2)), now: Timestamp(milliseconds: 5))
        var numbers: [(UInt64, ServedList)] = []
        for count in 0..<60 as Range<UInt32> {
            let list = Self.list(count, noise: count % 2 == 0, previous: numbers.last?.0)
            numbers.append((lists.remember(list), list))
            if count == 30 { #expect(lists.takeUnwritten().rows.count == 1) }
        }
        for (number, list) in numbers { #expect(lists.list(number) == list) }
        #expect(lists.missCount == 0)
        #expect(lists.list(numbers[0].0 - 1) == nil)
        #expect(lists.missCount == 1)
        #expect(lists.items(through: numbers[4].0)?.count == 4 + 3 + 2 + 1)
    }

    @Test
    func `have names that nobody can guess`() {
        let lists = ServedLists(hash: StableHash(key: (1, 2)))
        let number = lists.remember(Self.list(3, noise: false))
        let id = lists.id(number)
        #expect(id.utf8.count == 40 && id.hasPrefix("RID-"))
        #expect(lists.number(id) == number)
        for other in [lists.id(number + 1).dropLast() + "x", "RID-", "RID-1", id.uppercased()] {
            #expect(lists.number(String(other)) == nil)
        }
        #expect(ServedLists(hash: StableHash(key: (1, 3))).number(id) == nil)
    }

    @Test
    func `are counted once, and all of their pages`() throws {
        let lists = ServedLists(hash: StableHash(key: (1, 2)))
        let first = lists.remember(Self.list(3, noise: false))
        let second = lists.remember(Self.list(2, noise: false, previous: first), goingOn: first)
        #expect(second == first + 1)
        let shown = try #require(lists.shown(lists.id(first)))
        #expect(shown.items.count == 5 && shown.isFirst)
        #expect(lists.shown(lists.id(first))?.isFirst == false)
        #expect(lists.shown("RID-nothing") == nil)
    }
}
