import CKernels

/// The numbers of one chunk of a column as slices of bits: immutable.
///
/// A bit-sliced index (O'Neil and Quass, "Improved query performance with variant indexes", 1997)
/// of keys that are ordered as the doubles are, less the least of them. Only bits that are set in
/// some key have a slice, of 512 bytes: years take some, one price for all takes none. A range
/// reads the slices from the highest bit on, until no number agrees with its bound any more: of
/// prices up to 100 about 15 of 56.
package struct NumberSlices: Sendable {
    private let keys: bowerbird_key_range
    private let slices: [UInt64]

    /// Some 30 µs for a full chunk.
    package init(_ values: [Double]) {
        precondition(values.count <= ItemColumn.chunkItems, "a slice has a bit a number")
        var keys = [UInt64](repeating: 0, count: values.count)
        self.keys = unsafe bowerbird_number_keys(values, values.count, &keys)
        let varying = self.keys.varying
        var slices = [UInt64](
            repeating: 0,
            count: (1 + varying.nonzeroBitCount) * ItemColumn.chunkWords
        )
        unsafe bowerbird_number_slices(values, keys, values.count, varying, &slices)
        self.slices = slices
    }

    package var byteCount: Int { slices.count * 8 }

    /// Sets the bits of the numbers between two bounds, from word `start` on; never of a null.
    package func fill(_ bounds: ClosedRange<Double>, into words: inout [UInt64], at start: Int) {
        precondition(
            start >= 0 && words.count - start >= ItemColumn.chunkWords,
            "the bits have room"
        )
        guard let low = leastKey(from: bounds.lowerBound),
            let high = greatestKey(upTo: bounds.upperBound)
        else { return }
        unsafe words.withUnsafeMutableBufferPointer { words in
            unsafe bowerbird_slice_bits(
                slices,
                keys.varying,
                low,
                high,
                words.baseAddress.map { unsafe $0 + start }
            )
        }
    }

    // MARK: Bounds as the chunk's keys are, which have no bits beside the varying ones

    /// The least of all possible keys that is not below a bound.
    private func leastKey(from bound: Double) -> UInt64? {
        let key = bowerbird_number_key(bound)
        guard key > keys.least else { return 0 }
        let distance = key - keys.least
        guard let above = varyingBits(above: distance & ~keys.varying) else { return distance }
        // Whatever begins as the bound does is below it: the next beginning, if there is one.
        let next = ((distance | ~above) &+ 1) & above
        return next == 0 ? nil : next
    }

    /// The greatest of all possible keys that is not above a bound.
    private func greatestKey(upTo bound: Double) -> UInt64? {
        let key = bowerbird_number_key(bound)
        guard key >= keys.least else { return nil }
        let distance = key - keys.least
        guard let above = varyingBits(above: distance & ~keys.varying) else { return distance }
        return distance & above | keys.varying & ~above
    }

    /// The varying bits above the highest of some others; `nil` without others.
    private func varyingBits(above others: UInt64) -> UInt64? {
        others == 0 ? nil : keys.varying & ~(.max >> UInt64(others.leadingZeroBitCount))
    }
}
