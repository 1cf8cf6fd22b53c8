import Engine
import Primitives
import Recipes

/// Chooses of a ranking what differs: at most so many of a value, and less of what is alike.
///
/// Maximal marginal relevance (Carbonell and Goldstein, 1998): of those left the item with the
/// largest (1 − λ) · r_i − λ · max_j s(i, j), r_i its score scaled to 0...1 over the ranking, s the
/// share of categorical values that i has in common with j (Jaccard), j over the chosen. O(count ·
/// depth) likenesses.
struct Diversity: Hashable, Sendable {
    /// λ.
    let weight: Float
    let limits: [Limit]
    let categories: [AnswerColumn]

    struct Limit: Hashable, Sendable {
        let column: AnswerColumn
        let count: Int
    }

    /// How many items a model has to rank so that `count` can be chosen.
    func depth(_ count: Int) -> Int {
        limits.isEmpty
            ? min(4 * count, Limits.diversityDepthMax) : Limits.diversityDepthMax
    }

    /// Chooses from `ranked`, best first, so that with `earlier` no limit is broken.
    func choose(
        _ count: Int,
        from ranked: [RankedItem],
        _ root: GroupRoot,
        after earlier: [ItemIndex]
    ) -> [RankedItem] {
        var used: [[Substring: Int]] = limits.map { _ in [:] }
        for item in earlier { note(item, root, &used) }
        if weight == 0 {
            var chosen: [RankedItem] = []
            for one in ranked where chosen.count < count && isAllowed(one.item, root, used) {
                note(one.item, root, &used)
                chosen.append(one)
            }
            return chosen
        }
        return spread(count, ranked, root, &used)
    }

    private func spread(
        _ count: Int,
        _ ranked: [RankedItem],
        _ root: GroupRoot,
        _ used: inout [[Substring: Int]]
    ) -> [RankedItem] {
        let values = ranked.map { one in
            Set(
                categories.enumerated().flatMap { place, column in
                    column.parts(of: one.item, root).map { "\(place) \($0)" }
                }
            )
        }
        let most = ranked.first?.score ?? 0
        let range = max(most - (ranked.last?.score ?? 0), .leastNormalMagnitude)
        var likeness = [Float](repeating: 0, count: ranked.count)
        var isLeft = [Bool](repeating: true, count: ranked.count)
        var chosen: [RankedItem] = []
        while chosen.count < count {
            var best: Int?
            var largest = -Float.infinity
            for place in ranked.indices where isLeft[place] {
                let relevance = 1 - (most - ranked[place].score) / range
                let value = (1 - weight) * relevance - weight * likeness[place]
                guard value > largest, isAllowed(ranked[place].item, root, used) else { continue }
                largest = value
                best = place
            }
            guard let best else { break }
            isLeft[best] = false
            note(ranked[best].item, root, &used)
            chosen.append(ranked[best])
            for place in ranked.indices where isLeft[place] {
                likeness[place] = max(likeness[place], Self.likeness(values[place], values[best]))
            }
        }
        return chosen
    }

    /// |a ∩ b| / |a ∪ b|; 0 where nothing is known of one.
    private static func likeness(_ left: Set<String>, _ right: Set<String>) -> Float {
        guard !left.isEmpty, !right.isEmpty else { return 0 }
        let common = left.intersection(right).count
        return Float(common) / Float(left.count + right.count - common)
    }

    private func isAllowed(
        _ item: ItemIndex,
        _ root: GroupRoot,
        _ used: [[Substring: Int]]
    ) -> Bool {
        for (place, limit) in limits.enumerated() {
            for part in limit.column.parts(of: item, root)
            where used[place][part, default: 0] >= limit.count {
                return false
            }
        }
        return true
    }

    private func note(_ item: ItemIndex, _ root: GroupRoot, _ used: inout [[Substring: Int]]) {
        for (place, limit) in limits.enumerated() {
            for part in limit.column.parts(of: item, root) { used[place][part, default: 0] += 1 }
        }
    }
}
