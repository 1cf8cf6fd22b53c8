/// How often values fell between fixed bounds, and their sum.
package final class Histogram: Sendable {
    /// The upper bounds of the buckets, in whole units, and what a unit is.
    package struct Bounds: Sendable {
        let upper: [UInt64]
        /// Whole units in one of what the text shows, such as nanoseconds in a second.
        let unitsPerShown: Double

        package init(upper: [UInt64], unitsPerShown: Double = 1) {
            precondition(zip(upper, upper.dropFirst()).allSatisfy { $0 < $1 }, "bounds must rise")
            self.upper = upper
            self.unitsPerShown = unitsPerShown
        }

        /// Nanoseconds, shown as seconds: 50 µs to 30 s, finer where answers are.
        package static let durations = Bounds(
            upper: [
                50, 100, 200, 300, 500, 800, 1_000, 2_000, 3_000, 5_000, 10_000, 20_000, 50_000,
                100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000,
            ].map { $0 * 1_000 },
            unitsPerShown: 1_000_000_000
        )

        /// Bytes, by powers of four up to 4 MiB, where messages end.
        package static let bytes = Bounds(upper: (3...11).map { 1 << (2 * $0) })

        /// Things of a batch, by powers of two up to 1,024.
        package static let counts = Bounds(upper: (0...10).map { 1 << $0 })
    }

    package let bounds: Bounds
    /// A number for each bucket, one for what lies above all bounds, one for the sum.
    private let stripes: Stripes

    package init(_ bounds: Bounds) {
        self.bounds = bounds
        stripes = Stripes(width: bounds.upper.count + 2)
    }

    /// Adds one value, in the bounds' whole units.
    package func record(_ value: UInt64) {
        var low = 0
        var high = bounds.upper.count
        while low < high {
            let middle = (low + high) / 2
            if value <= bounds.upper[middle] { high = middle } else { low = middle + 1 }
        }
        stripes.add(1, at: low)
        stripes.add(value, at: bounds.upper.count + 1)
    }

    /// What has been recorded.
    ///
    /// Buckets are read one by one, so a scrape may miss what is recorded meanwhile; the count is
    /// their sum and never disagrees with them.
    package var snapshot: Snapshot {
        let buckets = (0...bounds.upper.count).map { stripes.sum(at: $0) }
        return Snapshot(buckets: buckets, sum: stripes.sum(at: bounds.upper.count + 1))
    }

    package struct Snapshot: Equatable, Sendable {
        /// The number of values in each bucket alone, the last above all bounds.
        package var buckets: [UInt64]
        /// In whole units.
        package var sum: UInt64

        package var count: UInt64 { buckets.reduce(0, &+) }
    }
}
