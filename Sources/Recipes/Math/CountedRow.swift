/// A sparse row of whole numbers that keeps its heaviest pairs.
///
/// Whole numbers, so that sums do not depend on order and taking back leaves nothing behind.
struct CountedRow {
    private(set) var pairs: [RowPair] = []
    /// Of everything that was added, displaced pairs included.
    private(set) var sum: UInt64 = 0
    /// No item of the row is above it.
    private(set) var highest: UInt32 = 0

    /// Adds `delta` to an item's weight, or takes it back; of more than `pairsMax` items the new
    /// one displaces the lightest.
    ///
    /// O(pairs).
    mutating func add(_ target: UInt32, _ delta: Int64, pairsMax: Int) {
        sum = UInt64(max(0, Int64(clamping: sum) + delta))
        if let at = Kernels.find(target, in: pairs) {
            let weight = Int64(pairs[at].weight) + delta
            if weight > 0 {
                pairs[at].weight = UInt32(clamping: weight)
            } else {
                pairs.remove(at: at)
            }
            return
        }
        guard delta > 0 else { return }
        let pair = RowPair(item: target, weight: UInt32(clamping: delta))
        highest = max(highest, target)
        guard pairs.count >= pairsMax else { return pairs.append(pair) }
        let lightest = Kernels.lightest(of: pairs)
        if pairs[lightest].weight <= pair.weight { pairs[lightest] = pair }
    }
}

extension CountedRow {
    /// Writes rows by item, in order of items.
    static func encode(_ rows: [(item: UInt32, row: CountedRow)], into artifact: ArtifactWriter) {
        artifact.put(UInt32(rows.count))
        for (item, row) in rows.sorted(by: { $0.item < $1.item }) {
            artifact.put(item)
            artifact.put(row.sum)
            artifact.put(UInt32(row.pairs.count))
            for pair in row.pairs {
                artifact.put(pair.item)
                artifact.put(pair.weight)
            }
        }
    }

    /// Reads what `encode` wrote; `noun` is what a message calls a pair.
    static func decode(
        _ reader: inout ArtifactReader,
        itemCount: Int,
        noun: String,
        _ store: (_ item: UInt32, CountedRow) -> Void
    ) throws(RecipeError) {
        for _ in 0..<(try reader.count(of: 16)) {
            let item = try reader.number(UInt32.self)
            guard item < itemCount else {
                throw ArtifactReader.damaged("a \(noun)'s item is unknown")
            }
            var row = CountedRow()
            row.sum = try reader.number(UInt64.self)
            for _ in 0..<(try reader.count(of: 8)) {
                let pair = RowPair(
                    item: try reader.number(UInt32.self),
                    weight: try reader.number(UInt32.self)
                )
                guard pair.item < itemCount else {
                    throw ArtifactReader.damaged("a \(noun) names an unknown item")
                }
                row.pairs.append(pair)
                row.highest = max(row.highest, pair.item)
            }
            store(item, row)
        }
    }
}
