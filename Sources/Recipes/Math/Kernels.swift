import CKernels
import Primitives

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
        items: inout [UInt32],
        best: inout [Float]
    ) -> Int {
        precondition(prior.count <= scores.count && items.count >= limit && best.count >= limit)
        return unsafe candidates.withUnsafeBufferPointer { words in
            unsafe bowerbird_top(
                scores,
                prior,
                scale,
                prior.count,
                words.baseAddress,
                words.count,
                limit,
                &items,
                &best
            )
        }
    }

    static func largest(_ values: [Float]) -> Float {
        unsafe bowerbird_largest(values, values.count)
    }
}
