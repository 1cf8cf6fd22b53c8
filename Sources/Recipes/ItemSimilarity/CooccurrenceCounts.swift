import Primitives
import Synchronization

/// How often two items stand within K events of each other in a history; kept current.
///
/// C[a, b] = C[b, a] = the pairs of events (a, b), a ≠ b, at most K = 10 places apart in one
/// history. Whole numbers, so sums do not depend on order and taking an event back leaves nothing
/// behind. A row keeps its `Limits.cooccurrenceRowMax` items; a new one displaces the rarest.
///
/// O(K · row) an event. A reader takes a row under its stripe's lock and scans it outside.
final class CooccurrenceCounts: Sendable {
    /// K.
    static let distanceMax = 10
    private static let stripeCount = 64

    struct Row {
        var pairs: [RowPair] = []
        /// Σ_b C[a, b], displaced items included.
        var sum: UInt64 = 0
    }

    private final class Stripe: Sendable {
        let rows = Mutex<[UInt32: Row]>([:])
    }

    private let stripes = (0..<CooccurrenceCounts.stripeCount).map { _ in Stripe() }

    /// The row of an item; `nil` when nothing stands near it yet.
    func row(of item: UInt32) -> Row? {
        stripes[Int(item) % Self.stripeCount].rows.withLock { $0[item] }
    }

    /// How often an item stands near any other.
    func sum(of item: UInt32) -> UInt64 {
        stripes[Int(item) % Self.stripeCount].rows.withLock { $0[item]?.sum ?? 0 }
    }

    /// Adds one event at `index` of `window` (`sign` 1), or takes it back (`sign` -1).
    ///
    /// Pairs on both sides of it that are K apart without it are too far apart with it.
    func change(_ window: [Interaction], at index: Int, sign: Int64) {
        let reach = Self.distanceMax
        let first = max(0, index - reach)
        let last = min(window.count - 1, index + reach)
        let changed = window[index].item.rawValue
        for other in first...last where other != index {
            add(changed, window[other].item.rawValue, sign)
        }
        for before in first..<index {
            let after = before + reach + 1
            guard after > index, after < window.count else { continue }
            add(window[before].item.rawValue, window[after].item.rawValue, -sign)
        }
    }

    private func add(_ left: UInt32, _ right: UInt32, _ delta: Int64) {
        guard left != right else { return }
        for (source, target) in [(left, right), (right, left)] {
            stripes[Int(source) % Self.stripeCount].rows.withLock { rows in
                Self.add(target, delta, to: &rows[source, default: Row()])
            }
        }
    }

    private static func add(_ target: UInt32, _ delta: Int64, to row: inout Row) {
        row.sum = UInt64(max(0, Int64(clamping: row.sum) + delta))
        if let at = row.pairs.firstIndex(where: { $0.item == target }) {
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
        guard row.pairs.count >= Limits.cooccurrenceRowMax else { return row.pairs.append(pair) }
        var rarest = 0
        for index in row.pairs.indices where row.pairs[index].weight < row.pairs[rarest].weight {
            rarest = index
        }
        if row.pairs[rarest].weight <= pair.weight { row.pairs[rarest] = pair }
    }

    // MARK: Artifact

    func encode(into artifact: ArtifactWriter) {
        var rows: [(UInt32, Row)] = []
        for stripe in stripes {
            rows += stripe.rows.withLock { rows in rows.map { ($0.key, $0.value) } }
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
            var row = Row()
            row.sum = try reader.number(UInt64.self)
            for _ in 0..<(try reader.count(of: 8)) {
                let pair = RowPair(
                    item: try reader.number(UInt32.self),
                    weight: try reader.number(UInt32.self)
                )
                guard pair.item < itemCount else {
                    throw ArtifactReader.damaged("a count names an unknown item")
                }
                row.pairs.append(pair)
            }
            let done = row
            stripes[Int(item) % Self.stripeCount].rows.withLock { $0[item] = done }
        }
    }
}
