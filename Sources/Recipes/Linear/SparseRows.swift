import Primitives

/// A trained matrix of weights by rows: row i says how much each item follows i.
///
/// 8 bytes an entry. The score of all items is w · B with w the weights of a history's items, so
/// each item's share of a score is one entry.
package struct SparseRows: Sendable {
    /// `[itemCount + 1]`.
    private(set) var offsets: [UInt32] = [0]
    package private(set) var pairs: [WeightedItem] = []

    var itemCount: Int { offsets.count - 1 }

    package func row(_ item: Int) -> Range<Int> {
        item < itemCount ? Int(offsets[item])..<Int(offsets[item + 1]) : 0..<0
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

    /// The `limit` entries of the largest magnitude, ordered by item.
    static func cut(_ row: [WeightedItem], _ limit: Int) -> [WeightedItem] {
        guard row.count > limit else { return row.sorted { $0.item < $1.item } }
        return row.sorted { left, right in
            (-left.weight.magnitude, left.item) < (-right.weight.magnitude, right.item)
        }
        .prefix(limit)
        .sorted { $0.item < $1.item }
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
