import Primitives

/// Counts, item by item, which others stand near it in the histories.
///
/// One dense row of sums is filled, read and cleared again, so a row costs the pairs that are
/// counted and no search. Confined to one thread.
package final class PairCounter {
    let log: InteractionLog
    let sets: ItemSets
    private let places: [UInt32]
    private let placeOffsets: [Int]
    private(set) var sums: SparseSums

    package init(_ log: InteractionLog) {
        self.log = log
        sets = log.sets()
        (places, placeOffsets) = log.placesByItem()
        sums = SparseSums(itemCount: log.itemCount)
    }

    /// The sum of an item.
    subscript(item: UInt32) -> Float { sums.values[Int(item)] }

    /// The items whose sums are not 0, in the order of their first addition.
    var touched: ArraySlice<UInt32> { sums.touched }

    func clear() { sums.clear() }

    /// Adds a row of scale · XᵀX.
    func addSets(of item: Int, scale: Float) {
        sums.addSets(Array(sets.owners(of: item)), sets, scale: scale)
    }

    /// Adds `weights[d]` for every item d events before an event of `item`; `weights[0]` is not
    /// read.
    func addBefore(_ item: Int, weights: [Float]) {
        sums.addBefore(places(of: item), log, weights: weights)
    }

    /// Adds a row of scale · SᵀS.
    func addAround(_ item: Int, _ window: SequenceWindow, scale: Float) {
        sums.addAround(places(of: item), log, window, scale: scale)
    }

    private func places(of item: Int) -> [UInt32] {
        Array(places[placeOffsets[item]..<placeOffsets[item + 1]])
    }
}

/// What two events at a distance contribute to SᵀS and SᵀT of SLIST (Choi et al., WWW 2021).
///
/// The rows of S and T are the places r of the histories:
/// s_r = Σ_{k=1..20} e^{−(k−1)/δ} e_{i_{r−k}} looks back, t_r = Σ_{k=0..4} e^{−k} e_{i_{r+k}}
/// ahead. Summed over r, a pair of events contributes what depends on their distance alone, but for
/// the end of the history: so both products cost 20 additions an event in place of 200.
struct SequenceWindow {
    /// Events that s_r looks back.
    static let reach = 20
    private static let aheadMax = 4

    /// `around[d · 21 + k]` = Σ_{j=1..k} e^{−(j−1)/δ} e^{−(j+d−1)/δ}: two events d apart,
    /// k places r that see both.
    let around: [Float]
    /// `before[d]` = Σ_r e^{−(r−1−p)/δ} e^{−(q−r)} of two events at p and q = p + d.
    let before: [Float]

    init(delta: Double) {
        let reach = Self.reach
        var around = [Float](repeating: 0, count: reach * (reach + 1))
        for distance in 0..<reach {
            var sum = 0.0
            for seen in 1...reach {
                if seen + distance <= reach {
                    sum += Elementary.exp(-Double(2 * (seen - 1) + distance) / delta)
                }
                around[distance * (reach + 1) + seen] = Float(sum)
            }
        }
        self.around = around
        before = (0...(reach + Self.aheadMax)).map { distance in
            var sum = 0.0
            for ahead in 0...Self.aheadMax {
                let back = distance - ahead
                guard back >= 1, back <= reach else { continue }
                sum += Elementary.exp(-Double(back - 1) / delta - Double(ahead))
            }
            return Float(sum)
        }
    }
}
