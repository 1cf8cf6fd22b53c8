/// Ranges of numbers in order, of which none touches another.
package struct DisjointRanges<Bound: Comparable & Sendable>: Sendable {
    package let all: [ClosedRange<Bound>]

    package init(_ ranges: [ClosedRange<Bound>]) {
        var merged: [ClosedRange<Bound>] = []
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
    package func contains(_ number: Bound) -> Bool {
        var low = 0
        var high = all.count
        while low < high {
            let middle = (low + high) / 2
            if all[middle].upperBound < number { low = middle + 1 } else { high = middle }
        }
        return low < all.count && all[low].lowerBound <= number
    }
}
