import Primitives

/// A trained matrix of weights by rows: row i says how much each item follows i.
///
/// Square: no item of a row is at or above `itemCount`. 8 bytes an entry. The score of all items is
/// w · B with w the weights of a history's items, so each item's share of a score is one entry.
package struct SparseRows: Sendable {
    /// `[itemCount + 1]`.
    private(set) var offsets: [UInt32] = [0]
    package private(set) var pairs: [WeightedItem] = []

    var itemCount: Int { offsets.count - 1 }

    var byteCount: Int { offsets.capacity * 4 + pairs.capacity * 8 }

    package func row(_ item: Int) -> Range<Int> {
        item < itemCount ? Int(offsets[item])..<Int(offsets[item + 1]) : 0..<0
    }

    /// The identity.
    init(identityOf itemCount: Int) {
        self.init()
        for item in 0..<UInt32(itemCount) { append(row: [WeightedItem(item: item, weight: 1)]) }
    }

    mutating func append(row: [WeightedItem]) {
        pairs += row
        offsets.append(UInt32(pairs.count))
    }

    /// The rows of the transposed matrix, each cut to the `limit` entries of the largest magnitude
    /// and ordered by item.
    func transposed(limit: Int) -> SparseRows {
        var starts = [Int](repeating: 0, count: itemCount + 1)
        for pair in pairs { starts[Int(pair.item) + 1] += 1 }
        for item in 0..<itemCount { starts[item + 1] += starts[item] }
        var next = starts
        var turned = [WeightedItem](repeating: WeightedItem(item: 0, weight: 0), count: pairs.count)
        for source in 0..<itemCount {
            for index in row(source) {
                let target = Int(pairs[index].item)
                turned[next[target]] = WeightedItem(
                    item: UInt32(source),
                    weight: pairs[index].weight
                )
                next[target] += 1
            }
        }
        var rows = SparseRows()
        for item in 0..<itemCount {
            rows.append(row: Self.cut(Array(turned[starts[item]..<starts[item + 1]]), limit))
        }
        return rows
    }

    /// The `limit` entries of the largest magnitude, of equal ones those of the lowest items;
    /// ordered by item.
    ///
    /// O(entries), and a sort by item where they are not in order.
    static func cut(_ row: [WeightedItem], _ limit: Int) -> [WeightedItem] {
        var row = row
        if !zip(row, row.dropFirst()).allSatisfy({ $0.item < $1.item }) {
            row.sort { $0.item < $1.item }
        }
        guard row.count > limit else { return row }
        guard limit > 0 else { return [] }
        var magnitudes = row.map(\.weight.magnitude)
        let least = Self.largest(limit, of: &magnitudes)
        var ties = limit - row.count { $0.weight.magnitude > least }
        return row.filter { entry in
            guard entry.weight.magnitude == least else { return entry.weight.magnitude > least }
            ties -= 1
            return ties >= 0
        }
    }

    /// The value that is in place `rank`, from 1, of the values in falling order.
    ///
    /// Hoare's selection: O(values) on average.
    private static func largest(_ rank: Int, of values: inout [Float]) -> Float {
        var low = 0
        var high = values.count - 1
        while low < high {
            let pivot = values[(low + high) / 2]
            var left = low
            var right = high
            while left <= right {
                while values[left] > pivot { left += 1 }
                while values[right] < pivot { right -= 1 }
                if left <= right {
                    values.swapAt(left, right)
                    left += 1
                    right -= 1
                }
            }
            if rank - 1 <= right {
                high = right
            } else if rank - 1 >= left {
                low = left
            } else {
                break
            }
        }
        return values[rank - 1]
    }

    /// Σ scale · rows, each row cut again.
    ///
    /// O(entries); the models of one history weighting become one.
    package static func merged(
        _ parts: [(rows: SparseRows, scale: Float)],
        limit: Int
    ) -> SparseRows {
        let itemCount = parts.map(\.rows.itemCount).max() ?? 0
        var sums = [Float](repeating: 0, count: itemCount)
        var merged = SparseRows()
        for item in 0..<itemCount {
            var touched: [UInt32] = []
            for (rows, scale) in parts {
                for index in rows.row(item) {
                    let pair = rows.pairs[index]
                    if sums[Int(pair.item)] == 0 { touched.append(pair.item) }
                    sums[Int(pair.item)] += scale * pair.weight
                }
            }
            var row: [WeightedItem] = []
            for target in touched where sums[Int(target)] != 0 {
                row.append(WeightedItem(item: target, weight: sums[Int(target)]))
                sums[Int(target)] = 0
            }
            merged.append(row: cut(row, limit))
        }
        return merged
    }

    // MARK: Artifact

    func encode(into artifact: ArtifactWriter) {
        artifact.put(UInt32(itemCount))
        for item in 0..<itemCount {
            artifact.put(UInt32(row(item).count))
            for index in row(item) {
                artifact.put(pairs[index].item)
                artifact.put(pairs[index].weight)
            }
        }
    }

    init() {}

    init(_ reader: inout ArtifactReader) throws(RecipeError) {
        let count = try reader.count(of: 4)
        for _ in 0..<count {
            var row: [WeightedItem] = []
            for _ in 0..<(try reader.count(of: 8)) {
                let item = try reader.number(UInt32.self)
                guard item < count else {
                    throw ArtifactReader.damaged("a row names an unknown item")
                }
                row.append(WeightedItem(item: item, weight: try reader.float()))
            }
            append(row: row)
        }
    }
}
