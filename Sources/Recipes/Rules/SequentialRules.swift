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

    struct Row {
        var pairs: [RowPair] = []
        /// Σ_j A[a, j] over everything that was added, displaced pairs included.
        var sum: UInt64 = 0
    }

    private struct Stripe: Sendable {
        /// Of every 64th item.
        var rows: [Row] = []
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
    func row(of item: UInt32) -> Row? {
        let slot = Int(item) / Self.stripeCount
        return stripes[Int(item) % Self.stripeCount].state.withLock { stripe in
            slot < stripe.rows.count && stripe.rows[slot].sum > 0 ? stripe.rows[slot] : nil
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
            while stripe.rows.count <= slot { stripe.rows.append(Row()) }
            Self.add(target, delta, to: &stripe.rows[slot])
        }
    }

    private static func add(_ target: UInt32, _ delta: Int64, to row: inout Row) {
        row.sum = UInt64(max(0, Int64(clamping: row.sum) + delta))
        if let at = Kernels.find(target, in: row.pairs) {
            let weight = Int64(row.pairs[at].weight) + delta
            if weight > 0 {
                row.pairs[at].weight = UInt32(clamping: weight)
            } else {
                row.pairs.remove(at: at)
            }
            return
        }
        guard delta > 0 else { return }
        let pair = RowPair(item: target, weight: UInt32(clamping: delta))
        guard row.pairs.count >= Limits.ruleRowMax else { return row.pairs.append(pair) }
        var lightest = 0
        for index in row.pairs.indices
        where row.pairs[index].weight < row.pairs[lightest].weight {
            lightest = index
        }
        if row.pairs[lightest].weight <= pair.weight { row.pairs[lightest] = pair }
    }

    func encode(into artifact: ArtifactWriter) {
        var rows: [(UInt32, Row)] = []
        for (index, stripe) in stripes.enumerated() {
            rows += stripe.state.withLock { stripe in
                stripe.rows.enumerated().compactMap { slot, row in
                    row.sum > 0 ? (UInt32(slot * Self.stripeCount + index), row) : nil
                }
            }
        }
        rows.sort { $0.0 < $1.0 }
        artifact.put(UInt32(rows.count))
        for (item, row) in rows {
            artifact.put(item)
            artifact.put(row.sum)
            artifact.put(UInt32(row.pairs.count))
            for pair in row.pairs {
                artifact.put(pair.item)
                artifact.put(pair.weight)
            }
        }
    }

    func decode(_ reader: inout ArtifactReader, itemCount: Int) throws(RecipeError) {
        for _ in 0..<(try reader.count(of: 16)) {
            let item = try reader.number(UInt32.self)
            guard item < itemCount else {
                throw ArtifactReader.damaged("a rule's item is unknown")
            }
            var row = Row()
            row.sum = try reader.number(UInt64.self)
            for _ in 0..<(try reader.count(of: 8)) {
                let pair = RowPair(
                    item: try reader.number(UInt32.self),
                    weight: try reader.number(UInt32.self)
                )
                guard pair.item < itemCount else {
                    throw ArtifactReader.damaged("a rule names an unknown item")
                }
                row.pairs.append(pair)
            }
            let done = row
            let slot = Int(item) / Self.stripeCount
            stripes[Int(item) % Self.stripeCount].state.withLock { stripe in
                while stripe.rows.count <= slot { stripe.rows.append(Row()) }
                stripe.rows[slot] = done
            }
        }
    }
}
