import CKernels
import Primitives

/// One entry of a sparse row: an item and its weight.
///
/// Laid out as `bowerbird_pair`, which the kernels read.
struct RowPair {
    var item: UInt32
    var weight: UInt32
}

/// Swift's side of the C kernels.
enum Kernels {
    /// The best `limit` of `scores + scale · prior` over the candidates, into `items` and `best`.
    ///
    /// - Returns: How many there are.
    static func top(
        scores: [Float],
        prior: [Float],
        scale: Float,
        candidates: Span<UInt64>,
        limit: Int,
        heap: inout [UInt64],
        items: inout [UInt32],
        best: inout [Float]
    ) -> Int {
        precondition(prior.count <= scores.count)
        precondition(min(heap.count, items.count, best.count) >= limit)
        return unsafe candidates.withUnsafeBufferPointer { words in
            unsafe bowerbird_top(
                scores,
                prior,
                scale,
                prior.count,
                words.baseAddress,
                words.count,
                limit,
                &heap,
                &items,
                &best
            )
        }
    }

    /// `values = first + scale · second`; both have at least as many numbers as `values`.
    static func combine(
        _ first: [Float],
        _ second: [Float],
        _ scale: Float,
        into values: inout [Float]
    ) {
        precondition(min(first.count, second.count) >= values.count)
        unsafe bowerbird_combine(first, second, scale, &values, values.count)
    }

    /// Adds `scale` times the weights of a row to the scores of its items.
    ///
    /// No item of the row is above `highest`; it costs least when that one has a score.
    static func add(
        _ row: [RowPair],
        upTo highest: UInt32 = .max,
        _ scale: Float,
        to scores: inout [Float]
    ) {
        unsafe row.withUnsafeBytes { pairs in
            unsafe bowerbird_add_row(
                pairs.baseAddress?.assumingMemoryBound(to: bowerbird_pair.self),
                row.count,
                highest,
                scale,
                &scores,
                scores.count
            )
        }
    }

    /// Makes `values` this many zeros.
    static func zero(_ values: inout [Float], count: Int) {
        guard values.count == count else {
            values.removeAll(keepingCapacity: true)
            values.append(contentsOf: repeatElement(0, count: count))
            return
        }
        unsafe values.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: bytes.count)
        }
    }

    static func largest(_ values: [Float]) -> Float {
        unsafe bowerbird_largest(values, values.count)
    }
}
