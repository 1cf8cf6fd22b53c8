package import Primitives

/// A hash of what a message carries in one of its repeated fields.
package enum BodyHash {
    /// Of every value of the field `number`, in order; what stands around it does not count.
    ///
    /// The same body gives the same hash however often it is sent by the same client.
    package static func hash(_ message: RawSpan, field number: Int, _ hash: StableHash) -> UInt64 {
        var reader = WireReader(message)
        var value: UInt64 = 0
        while let field = reader.next() {
            guard field.number == number, field.isDelimited else { continue }
            value = (value << 5 | value >> 59) &* 0x9e37_79b9_7f4a_7c15 &+ hash.hash(field.bytes)
        }
        return value
    }
}
