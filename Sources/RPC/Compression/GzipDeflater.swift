import CZlib
package import Primitives

/// Packs messages as gzip at zlib's fastest level; reused, since its state is 256 KiB.
@safe
package final class GzipDeflater {
    private let stream: UnsafeMutablePointer<z_stream>
    private let chunk: UnsafeMutableBufferPointer<UInt8>
    /// Where a message is written before it is packed.
    let plain = ByteWriter(capacity: 4_096)

    package init() {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        unsafe chunk = .allocate(capacity: 64 * 1_024)
        let result = unsafe deflateInit2_(
            stream,
            Z_BEST_SPEED,
            Z_DEFLATED,
            15 + 16,
            8,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        precondition(result == Z_OK, "out of memory for zlib")
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
        unsafe chunk.deallocate()
    }

    /// Appends `bytes`, packed, to `output`.
    package func deflate(_ bytes: RawSpan, into output: ByteWriter) {
        unsafe deflateReset(stream)
        unsafe bytes.withUnsafeBytes { input in
            // SAFETY: zlib reads `input` during this closure only, and never writes to it.
            unsafe stream.pointee.next_in = UnsafeMutablePointer(
                mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self)
            )
            unsafe stream.pointee.avail_in = UInt32(input.count)
            var result = Z_OK
            while result != Z_STREAM_END {
                unsafe stream.pointee.next_out = chunk.baseAddress
                unsafe stream.pointee.avail_out = UInt32(chunk.count)
                result = unsafe CZlib.deflate(stream, Z_FINISH)
                precondition(result == Z_OK || result == Z_STREAM_END, "zlib packs anything")
                let count = unsafe chunk.count - Int(stream.pointee.avail_out)
                let made = unsafe UnsafeRawBufferPointer(start: chunk.baseAddress, count: count)
                unsafe output.append(made.bytes)
            }
            unsafe stream.pointee.next_in = nil
        }
    }
}
