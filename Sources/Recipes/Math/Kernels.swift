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
    /// - Returns: The largest score that came of it, 0 at least.
    static func add(_ row: [RowPair], _ scale: Float, to scores: inout [Float]) -> Float {
        unsafe row.withUnsafeBytes { pairs in
            unsafe bowerbird_add_row(
                pairs.baseAddress?.assumingMemoryBound(to: bowerbird_pair.self),
                row.count,
                scale,
                &scores,
                scores.count
            )
        }
    }

    static func largest(_ values: [Float]) -> Float {
        unsafe bowerbird_largest(values, values.count)
    }
}
