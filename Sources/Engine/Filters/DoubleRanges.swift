/// Ranges of doubles in order, of which none touches another.
package struct DoubleRanges: Hashable, Sendable {
    package let all: [ClosedRange<Double>]

    package init(_ ranges: [ClosedRange<Double>]) {
        var merged: [ClosedRange<Double>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound {
                let upper = max(last.upperBound, range.upperBound)
                merged[merged.count - 1] = last.lowerBound...upper
            } else {
                merged.append(range)
            }
        }
        all = merged
    }

    /// Whether a number is in any; NaN is in none.
    ///
    /// O(log ranges).
    package func contains(_ number: Double) -> Bool {
        var low = 0
        var high = all.count
        while low < high {
            let middle = (low + high) / 2
            if all[middle].upperBound < number { low = middle + 1 } else { high = middle }
        }
        return low < all.count && all[low].lowerBound <= number
    }
}
