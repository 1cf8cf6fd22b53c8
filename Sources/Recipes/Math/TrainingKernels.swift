import CKernels
import Primitives

/// One entry of a trained row.
///
/// Laid out as `bowerbird_weighted`, which the kernels read.
package struct WeightedItem: Sendable {
    package var item: UInt32
    package var weight: Float
}

extension Kernels {
    /// The touched items of the largest sums · `inverseRoots`, in rising order.
    static func bestSources(
        _ counter: PairCounter,
        inverseRoots: [Float],
        excluding excluded: UInt32,
        limit: Int
    ) -> [UInt32] {
        precondition(inverseRoots.count == counter.sums.values.count)
        var heap = [UInt64](repeating: 0, count: limit)
        var best = [UInt32](repeating: 0, count: limit)
        let touched = Array(counter.touched)
        let count = unsafe bowerbird_best_sources(
            counter.sums.values,
            touched,
            touched.count,
            inverseRoots,
            excluded,
            limit,
            &heap,
            &best
        )
        return best[..<count].sorted()
    }

    /// Row `row` of a matrix by columns, cut to its largest entries, by the names in `items`.
    static func largestColumn(
        _ columns: [Float],
        _ row: Int,
        _ items: [UInt32],
        limit: Int
    ) -> [WeightedItem] {
        precondition(columns.count == items.count * items.count && row < items.count)
        var heap = [UInt64](repeating: 0, count: limit)
        var best = [UInt32](repeating: 0, count: limit)
        let count = unsafe bowerbird_largest_column(
            columns,
            items.count,
            row,
            limit,
            &heap,
            &best
        )
        return best[..<count].sorted().map { column in
            WeightedItem(
                item: items[Int(column)],
                weight: columns[Int(column) * items.count + row]
            )
        }
    }

    /// The lower triangle of `full` restricted to `chosen`, with `ridge` on the diagonal.
    static func gather(
        _ full: [Float],
        _ size: Int,
        _ chosen: [UInt32],
        ridge: Float,
        into part: inout [Float]
    ) {
        precondition(full.count == size * size && part.count >= chosen.count * chosen.count)
        unsafe bowerbird_gather_dense(full, size, chosen, chosen.count, ridge, &part)
    }

    /// The same of sparse rows; `places` are all -1, before and after.
    static func gather(
        _ rows: SparseRows,
        _ places: inout [Int32],
        _ chosen: [UInt32],
        ridge: Float,
        into part: inout [Float]
    ) {
        precondition(part.count >= chosen.count * chosen.count)
        precondition(places.count == rows.itemCount)
        unsafe rows.pairs.withUnsafeBytes { pairs in
            unsafe bowerbird_gather_sparse(
                rows.offsets,
                pairs.baseAddress?.assumingMemoryBound(to: bowerbird_weighted.self),
                &places,
                chosen,
                chosen.count,
                ridge,
                &part
            )
        }
    }

    /// Solves the symmetric system whose lower triangle is in `part`; false when it isn't positive
    /// definite.
    static func solve(_ part: inout [Float], _ right: inout [Float]) -> Bool {
        precondition(part.count >= right.count * right.count)
        return unsafe bowerbird_solve(&part, &right, right.count) == 0
    }

    /// Adds `scale` times a trained row to the scores.
    static func add(
        _ rows: SparseRows,
        _ row: Range<Int>,
        _ scale: Float,
        to scores: inout [Float]
    ) {
        precondition(row.upperBound <= rows.pairs.count)
        unsafe rows.pairs.withUnsafeBytes { pairs in
            let first = unsafe pairs.baseAddress?.assumingMemoryBound(to: bowerbird_weighted.self)
            guard let first = unsafe first else { return }
            unsafe bowerbird_add_weighted(
                first + row.lowerBound,
                row.count,
                UInt32(clamping: rows.itemCount - 1),
                scale,
                &scores,
                scores.count
            )
        }
    }

    /// Replaces v by weight · (log(v · factor + floor) − log floor) / (log(1 + floor) − log floor).
    static func scaleLog(_ values: inout [Float], factor: Float, floor: Float, weight: Float) {
        unsafe bowerbird_scale_log(&values, values.count, factor, floor, weight)
    }

    /// sums += scale · values, over the shorter of both.
    static func addDense(_ values: [Float], _ scale: Float, to sums: inout [Float]) {
        unsafe bowerbird_add_dense(values, min(values.count, sums.count), scale, &sums)
    }
}

extension Kernels {
    /// Where `item` stands in a row.
    static func find(_ item: UInt32, in row: [RowPair]) -> Int? {
        let index = unsafe row.withUnsafeBytes { pairs in
            unsafe bowerbird_find(
                pairs.baseAddress?.assumingMemoryBound(to: bowerbird_pair.self),
                row.count,
                item
            )
        }
        return index < row.count ? index : nil
    }

    /// The place of the least weight of a row, the first of several; 0 of an empty one.
    static func lightest(of row: [RowPair]) -> Int {
        unsafe row.withUnsafeBytes { pairs in
            unsafe bowerbird_lightest(
                pairs.baseAddress?.assumingMemoryBound(to: bowerbird_pair.self),
                row.count
            )
        }
    }

    /// The place, from 1, of `answer` by base + weight · values; 0 when its sum is not above 0.
    static func rank(
        of answer: Int,
        _ base: [Float],
        _ values: [Float],
        from start: Int,
        weight: Float
    ) -> Int {
        precondition(answer < base.count && start + base.count <= values.count)
        return unsafe values.withUnsafeBufferPointer { values in
            guard let first = values.baseAddress else { return 0 }
            return unsafe bowerbird_rank(base, first + start, weight, base.count, answer)
        }
    }
}
