import CKernels

/// The numbers of one chunk of a column as slices of bits: immutable.
///
/// A bit-sliced index (O'Neil and Quass, "Improved query performance with variant indexes", 1997)
/// of keys that are ordered as the doubles are. What all numbers of the chunk have in common is
/// kept once, so that years take some slices and one price for all takes none; a slice is 512
/// bytes. A range reads the slices from the highest bit on, until no number agrees with its bound
/// any more: of random doubles about 24 of 63.
package struct NumberSlices: Sendable {
    private let bits: bowerbird_key_bits
    private let slices: [UInt64]

    /// Some 30 µs for a full chunk.
    package init(_ values: [Double]) {
        precondition(values.count <= ItemColumn.chunkItems, "a slice has a bit a number")
        var keys = [UInt64](repeating: 0, count: values.count)
        bits = unsafe bowerbird_number_keys(values, values.count, &keys)
        var slices = [UInt64](
            repeating: 0,
            count: (1 + bits.varying.nonzeroBitCount) * ItemColumn.chunkWords
        )
        unsafe bowerbird_number_slices(values, keys, values.count, bits.varying, &slices)
        self.slices = slices
    }

    package var byteCount: Int { slices.count * 8 }

    /// Sets the bits of the numbers between two bounds, from word `start` on; never of a null.
    package func fill(_ bounds: ClosedRange<Double>, into words: inout [UInt64], at start: Int) {
        precondition(
            start >= 0 && words.count - start >= ItemColumn.chunkWords,
            "the bits have room"
        )
        guard let low = leastKey(from: bowerbird_number_key(bounds.lowerBound)),
            let high = greatestKey(upTo: bowerbird_number_key(bounds.upperBound))
        else { return }
        unsafe words.withUnsafeMutableBufferPointer { words in
            unsafe bowerbird_slice_bits(
                slices,
                bits,
                low,
                high,
                words.baseAddress.map { unsafe $0 + start }
            )
        }
    }

    // MARK: Bounds in the form of the chunk's keys, which differ in the varying bits only

    /// The least key of that form that is not below `bound`.
    private func leastKey(from bound: UInt64) -> UInt64? {
        guard let difference = difference(from: bound) else { return bound }
        var prefix = bound & difference.above
        if difference.isSetInBound {
            // Whatever begins as the bound does is below it: the next beginning.
            prefix = ((prefix | ~difference.above) &+ 1) & difference.above
            if prefix == 0 { return nil }
        }
        return bits.common | prefix
    }

    /// The greatest key of that form that is not above `bound`.
    private func greatestKey(upTo bound: UInt64) -> UInt64? {
        guard let difference = difference(from: bound) else { return bound }
        var prefix = bound & difference.above
        if !difference.isSetInBound {
            if prefix == 0 { return nil }
            prefix = (prefix - 1) & difference.above
        }
        return bits.common | prefix | (bits.varying & ~difference.above)
    }

    /// The highest bit in which a bound differs from all keys, and the varying bits above it.
    private func difference(from bound: UInt64) -> (above: UInt64, isSetInBound: Bool)? {
        let different = (bound ^ bits.common) & ~bits.varying
        guard different != 0 else { return nil }
        let fromBitOn = UInt64.max >> UInt64(different.leadingZeroBitCount)
        return (bits.varying & ~fromBitOn, bound & different & (fromBitOn ^ fromBitOn >> 1) != 0)
    }
}
