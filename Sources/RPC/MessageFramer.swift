package import Primitives

/// Writes length-prefixed messages.
package enum MessageFramer {
    package static let prefixBytes = 5

    /// Appends one uncompressed message whose body `encode` writes, without copying it.
    ///
    /// The prefix is reserved first and filled in when the length is known.
    package static func append(to writer: ByteWriter, _ encode: (ByteWriter) -> Void) {
        let start = writer.appendZeros(prefixBytes)
        encode(writer)
        let byteCount = writer.count - start - prefixBytes
        precondition(byteCount >= 0 && byteCount <= UInt32.max, "a message of under 4 GiB")
        for index in 0..<4 {
            let byte = UInt8(truncatingIfNeeded: byteCount >> (24 - 8 * index))
            writer.set(byte, at: start + 1 + index)
        }
    }

    /// One framed message by itself, to hand to another thread; packed by `packing`, if any.
    static func framed(
        _ packing: MessageCompression?,
        _ encode: (ByteWriter) -> Void
    ) -> [UInt8] {
        let writer = ByteWriter(capacity: 512)
        if let packing { packing.append(to: writer, encode) } else { append(to: writer, encode) }
        return unsafe writer.withUnsafeBytes { unsafe Array($0) }
    }
}
