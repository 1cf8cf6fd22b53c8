import CKernels

extension Kernels {
    /// Adds weight · log2 of (observed + k) / (totals · share + k), k the shrinkage.
    static func addLifts(
        observed: [Float],
        totals: [Float],
        share: Float,
        shrinkage: Float,
        weight: Float,
        to lifts: inout [Float]
    ) {
        unsafe bowerbird_add_lifts(
            observed,
            min(observed.count, lifts.count),
            totals,
            min(totals.count, lifts.count),
            share,
            shrinkage,
            weight,
            &lifts
        )
    }

    /// scores + scale · prior, times 2^lift where it is above 0; unless it `isFactor`, scale · lift
    /// added.
    static func lift(
        _ scores: [Float],
        _ prior: [Float],
        scale: Float,
        _ lifts: [Float],
        isFactor: Bool,
        into lifted: inout [Float]
    ) {
        precondition(min(scores.count, prior.count, lifts.count) >= lifted.count)
        unsafe bowerbird_lift(
            scores,
            prior,
            scale,
            lifts,
            lifted.count,
            isFactor ? 1 : 0,
            &lifted
        )
    }

    /// The same as new numbers.
    static func lifted(
        _ scores: [Float],
        _ prior: [Float],
        scale: Float,
        _ lifts: [Float],
        isFactor: Bool
    ) -> [Float] {
        var lifted = [Float](repeating: 0, count: scores.count)
        lift(scores, prior, scale: scale, lifts, isFactor: isFactor, into: &lifted)
        return lifted
    }
}
