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

    private final class Stripe: Sendable {
        let rows = Mutex<[UInt32: CountedRow]>([:])
    }

    private let stripes = (0..<CooccurrenceCounts.stripeCount).map { _ in Stripe() }

    /// The row of an item; `nil` when nothing stands near it yet.
    func row(of item: UInt32) -> CountedRow? {
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
                rows[source, default: CountedRow()]
                    .add(target, delta, pairsMax: Limits.cooccurrenceRowMax)
            }
        }
    }

    // MARK: Artifact

    func encode(into artifact: ArtifactWriter) {
        var rows: [(UInt32, CountedRow)] = []
        for stripe in stripes {
            rows += stripe.rows.withLock { rows in rows.map { ($0.key, $0.value) } }
        }
        CountedRow.encode(rows, into: artifact)
    }

    func decode(_ reader: inout ArtifactReader, itemCount: Int) throws(RecipeError) {
        try CountedRow.decode(&reader, itemCount: itemCount, noun: "count") { item, row in
            stripes[Int(item) % Self.stripeCount].rows.withLock { $0[item] = row }
        }
    }
}
