package import Primitives
package import Recipes

/// Gives some slots of a list to items that little is known of, with a probability that is known.
///
/// Slot k explores with probability p_k (`ExplorationSettings`). If it does, it takes of the pool R
/// that is not in the list yet the item with the least −ln(U_i) / w_i, U_i uniform by a hash of
/// seed and item: item i with probability w_i / Σ_R w, the model of Plackett and Luce. Otherwise it
/// takes the model's next best. So an item stands in a slot, given those above it, with probability
/// p_k · w_i / Σ_R w + (1 − p_k) · [it is the next best], and a weight that changes moves no other
/// item's noise.
///
/// Who is likely to like an item is shown it first: w_i = e_i · a_i, e_i the pool's weight, by what
/// the item has been through, a_i by how alike its record is to the history, see `Affinity`.
///
/// O(slots + pool) where a slot explores, O(slots) where none does; a pool is at most
/// `Limits.explorationPoolMax`.
package struct Explorer {
    private let settings: ExplorationSettings
    private let seed: UInt64

    package init(settings: ExplorationSettings, seed: UInt64) {
        self.settings = settings
        self.seed = seed
    }

    /// Reused memory: the pool that a question may draw from, by rising item.
    package struct Scratch {
        ///
        /// The first `count` of these arrays, which only grow.
        fileprivate var items: [UInt32] = []
        fileprivate var weights: [Float] = []
        fileprivate var isTaken: [Bool] = []
        fileprivate var count = 0
        /// Of the pool's items, where records say something of the history.
        fileprivate var closeness: [Float] = []
        /// −ln(U_i) / w_i, infinite once taken; empty until a slot explores.
        fileprivate var keys: [Float] = []
        fileprivate var explored: [UInt32] = []
        /// Σ of the weights that are not taken.
        fileprivate var remaining: Float = 0

        package init() {}

        /// Where an item is; `nil` when it is not in the pool.
        fileprivate func place(of item: UInt32) -> Int? {
            var low = 0
            var high = count
            while low < high {
                let middle = (low + high) / 2
                if items[middle] < item { low = middle + 1 } else { high = middle }
            }
            return low < count && items[low] == item ? low : nil
        }

        /// The weight of an item that could be drawn; `nil` when it could not.
        func weight(of item: ItemIndex) -> Float? { place(of: item.rawValue).map { weights[$0] } }

        /// The weight of a place as a share of what is left, which is less afterwards.
        fileprivate mutating func take(_ place: Int) -> Float {
            guard !isTaken[place], remaining > 0 else { return 0 }
            let share = min(1, weights[place] / remaining)
            isTaken[place] = true
            if !keys.isEmpty { keys[place] = .infinity }
            remaining = max(0, remaining - weights[place])
            return share
        }
    }

    /// Fills `slots` from `ranked`, with explored items of `candidates` between; ages count from
    /// `newestMS`.
    ///
    /// `likeness` is `RankingScratch.likeness` of the pool's items, or empty.
    package func fill(
        _ slots: inout [ServedSlot],
        count: Int,
        ranked: [RankedItem],
        pool: ExplorationPool,
        likeness: [Float] = [],
        candidates: ItemBitmap,
        newestMS: Int64,
        _ scratch: inout Scratch
    ) {
        prepare(pool, likeness, candidates, newestMS, &scratch)
        var next = 0
        for slot in 0..<count {
            while next < ranked.count, scratch.explored.contains(ranked[next].item.rawValue) {
                next += 1
            }
            let best = next < ranked.count ? ranked[next] : nil
            let chance = scratch.remaining > 0 ? settings.probability(slot: slot, of: count) : 0
            let explores = chance > 0 && uniform(UInt64(slot) << 32 | 0xFFFF_FFFF) < chance
            if explores, let place = pick(&scratch) {
                let item = ItemIndex(scratch.items[place])
                let known = ranked.first { $0.item == item }
                var served = ServedSlot(item: item, score: known?.score)
                if let known { served.reasons.insert(known.reason) }
                served.reasons.insert(.explored)
                served.propensity = chance * scratch.take(place)
                if item == best?.item { served.propensity += 1 - chance }
                scratch.explored.append(item.rawValue)
                slots.append(served)
            } else if let best {
                next += 1
                var served = ServedSlot(best)
                let share = scratch.place(of: best.item.rawValue).map { scratch.take($0) } ?? 0
                served.propensity = chance * share + 1 - chance
                slots.append(served)
            } else {
                return
            }
        }
    }

    private func prepare(
        _ pool: ExplorationPool,
        _ likeness: [Float],
        _ candidates: ItemBitmap,
        _ newestMS: Int64,
        _ scratch: inout Scratch
    ) {
        scratch.keys.removeAll(keepingCapacity: true)
        scratch.count = 0
        scratch.explored.removeAll(keepingCapacity: true)
        scratch.closeness.removeAll(keepingCapacity: true)
        scratch.remaining = 0
        guard settings.weight > 0 else { return }
        take(pool, candidates, newestMS, &scratch)
        if !likeness.isEmpty {
            var closest: Float = 0
            forEachPlace(pool, candidates, newestMS) { place in
                let closeness = Affinity.closeness(likeness[place])
                scratch.closeness.append(closeness)
                closest = max(closest, closeness)
            }
            for (place, closeness) in scratch.closeness.enumerated() {
                scratch.weights[place] *= Affinity.factor(closeness, closest: closest)
            }
        }
        for place in 0..<scratch.count { scratch.remaining += scratch.weights[place] }
    }

    /// Copies what of the pool may be drawn; most of what a list costs here.
    private func take(
        _ pool: ExplorationPool,
        _ candidates: ItemBitmap,
        _ newestMS: Int64,
        _ scratch: inout Scratch
    ) {
        let room = pool.items.count
        if scratch.items.count < room {
            scratch.items = [UInt32](repeating: 0, count: room)
            scratch.weights = [Float](repeating: 0, count: room)
            scratch.isTaken = [Bool](repeating: false, count: room)
        }
        var count = 0
        // SAFETY: at most as many are written as the pool has, for which there is room.
        unsafe scratch.items.withUnsafeMutableBufferPointer { items in
            unsafe scratch.weights.withUnsafeMutableBufferPointer { weights in
                unsafe scratch.isTaken.withUnsafeMutableBufferPointer { isTaken in
                    forEachPlace(pool, candidates, newestMS) { place in
                        unsafe items[count] = pool.items[place]
                        unsafe weights[count] = pool.weights[place]
                        unsafe isTaken[count] = false
                        count += 1
                    }
                }
            }
        }
        scratch.count = count
    }

    /// Calls `body` for the places of the pool's items that may be drawn.
    @inline(__always)
    private func forEachPlace(
        _ pool: ExplorationPool,
        _ candidates: ItemBitmap,
        _ newestMS: Int64,
        _ body: (Int) -> Void
    ) {
        let isAged = newestMS != ItemExposure.unknown
        let oldest = isAged ? newestMS &- settings.itemAgeMaxMS : .min
        let words = candidates.words
        let items = pool.items
        let created = pool.createdMS
        for place in items.indices {
            let item = Int(items[place])
            guard item >> 6 < words.count, words[item >> 6] >> UInt64(item & 63) & 1 == 1,
                created[place] >= oldest || created[place] == ItemExposure.unknown
            else { continue }
            body(place)
        }
    }

    /// The place of the pool's next item; `nil` when all are taken.
    private func pick(_ scratch: inout Scratch) -> Int? {
        if scratch.keys.isEmpty {
            for place in 0..<scratch.count {
                let draw = uniform(UInt64(scratch.items[place]))
                let key = -Noise.logarithm(draw) / scratch.weights[place]
                scratch.keys.append(scratch.isTaken[place] ? .infinity : key)
            }
        }
        var best: Int?
        var least = Float.infinity
        for (place, key) in scratch.keys.enumerated() where key < least {
            least = key
            best = place
        }
        return best
    }

    /// In 0..<1, by seed and number.
    private func uniform(_ number: UInt64) -> Float {
        var generator = SeededGenerator(seed: seed ^ number &* 0xD134_2543_DE82_EF95)
        return Float(generator.next() >> 40) * 0x1p-24
    }
}
