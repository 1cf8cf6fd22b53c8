import Primitives
import Synchronization

/// Sequential rules (Kamehkhosh, Jannach, Ludewig, 2017): which item tends to follow which.
///
/// A[a, b] = Σ ω(k) over every b that comes k ≤ K events after an a in a history; the score of b
/// after a is A[a, b] / sqrt(Σ_j A[a, j]). K and ω are the shape's. Weights are whole numbers in
/// units of 1/2520 = 1/lcm(1…10), so sums do not depend on the order of events and taking one back
/// leaves nothing behind. A row keeps its `Limits.ruleRowMax` pairs; a new one displaces the
/// lightest.
///
/// O(K · row) an event. A reader takes a row under its stripe's lock and scans it outside.
final class SequentialRules: Sendable {
    static let unit: UInt32 = 2_520
    private static let stripeCount = 64

    private struct Stripe: Sendable {
        /// Of every 64th item.
        var rows: [CountedRow] = []

        mutating func grow(to slot: Int) {
            while rows.count <= slot { rows.append(CountedRow()) }
        }
    }

    let shape: RuleShape
    private let weights: [Int64]
    private let stripes: [StripeLock]

    private final class StripeLock: Sendable {
        let state = Mutex(Stripe())
    }

    init(shape: RuleShape) {
        self.shape = shape
        weights = shape.weights
        stripes = (0..<Self.stripeCount).map { _ in StripeLock() }
    }

    /// The row of an item; `nil` when nothing has followed it yet.
    func row(of item: UInt32) -> CountedRow? {
        let slot = Int(item) / Self.stripeCount
        return stripes[Int(item) % Self.stripeCount].state.withLock { stripe in
            slot < stripe.rows.count && stripe.rows[slot].sum > 0 ? stripe.rows[slot] : nil
        }
    }

    var byteCount: Int {
        stripes.reduce(0) { sum, stripe in
            stripe.state.withLock { stripe in
                stripe.rows.reduce(sum + stripe.rows.capacity * MemoryLayout<CountedRow>.stride) {
                    $0 + ($1.pairs.capacity > 0 ? 32 + $1.pairs.capacity * 8 : 0)
                }
            }
        }
    }

    /// Events ahead that a rule reaches: K of the paper.
    var distanceMax: Int { weights.count - 1 }

    /// Adds one event at `index` of `window` (`sign` 1), or takes it back (`sign` -1).
    ///
    /// Pairs of entries on both sides of it are one event farther apart with it than without.
    func change(_ window: [Interaction], at index: Int, sign: Int64) {
        let reach = distanceMax
        let first = max(0, index - reach)
        let last = min(window.count - 1, index + reach)
        let changed = window[index].item.rawValue
        for before in first..<index {
            add(window[before].item.rawValue, changed, sign * weight(index - before))
        }
        guard index < last else { return }
        for after in index + 1...last {
            add(changed, window[after].item.rawValue, sign * weight(after - index))
        }
        for before in first..<index {
            for after in index + 1...last where after - before - 1 <= reach {
                let difference = weight(after - before) - weight(after - before - 1)
                add(window[before].item.rawValue, window[after].item.rawValue, sign * difference)
            }
        }
    }

    /// ω(k) in units; 0 beyond K.
    private func weight(_ distance: Int) -> Int64 {
        distance < weights.count ? weights[distance] : 0
    }

    private func add(_ source: UInt32, _ target: UInt32, _ delta: Int64) {
        stripes[Int(source) % Self.stripeCount].state.withLock { stripe in
            let slot = Int(source) / Self.stripeCount
            stripe.grow(to: slot)
            stripe.rows[slot].add(target, delta, pairsMax: Limits.ruleRowMax)
        }
    }

    func encode(into artifact: ArtifactWriter) {
        var rows: [(UInt32, CountedRow)] = []
        for (index, stripe) in stripes.enumerated() {
            rows += stripe.state.withLock { stripe in
                stripe.rows.enumerated().compactMap { slot, row in
                    row.sum > 0 ? (UInt32(slot * Self.stripeCount + index), row) : nil
                }
            }
        }
        CountedRow.encode(rows, into: artifact)
    }

    func decode(_ reader: inout ArtifactReader, itemCount: Int) throws(RecipeError) {
        try CountedRow.decode(&reader, itemCount: itemCount, noun: "rule") { item, row in
            let slot = Int(item) / Self.stripeCount
            stripes[Int(item) % Self.stripeCount].state.withLock { stripe in
                stripe.grow(to: slot)
                stripe.rows[slot] = row
            }
        }
    }
}
