import CZlib
package import Primitives

/// Unpacks gzip, one message at a time; reused, since zlib's state costs more than a message.
@safe
package final class GzipInflater {
    package enum Failure: Error, Hashable {
        /// Not gzip, cut short, a wrong checksum, or bytes behind its end.
        case damaged
        /// It unpacks to more than it may; no further byte was unpacked.
        case tooLarge
    }

    /// What the last message unpacked to.
    package private(set) var output = ByteWriter(capacity: 4_096)

    private let stream: UnsafeMutablePointer<z_stream>
    private let chunk: UnsafeMutableBufferPointer<UInt8>

    package init() {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        unsafe chunk = .allocate(capacity: 64 * 1_024)
        // 16 above the window's bits asks for gzip's header and checksum.
        let result = unsafe inflateInit2_(
            stream,
            15 + 16,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        precondition(result == Z_OK, "out of memory for zlib")
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
        unsafe chunk.deallocate()
    }

    /// Unpacks `bytes` to `output`, which holds at most `bytesMax` and 64 KiB at any time.
    package func inflate(_ bytes: RawSpan, bytesMax: Int) throws(Failure) {
        if output.count > Limits.inflatedBytesKept { output = ByteWriter(capacity: 4_096) }
        output.removeAll()
        unsafe inflateReset(stream)
        let isWhole = try unsafe bytes.withUnsafeBytes { input throws(Failure) in
            // SAFETY: zlib reads `input` during this closure only, and never writes to it.
            unsafe stream.pointee.next_in = UnsafeMutablePointer(
                mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self)
            )
            unsafe stream.pointee.avail_in = UInt32(input.count)
            let isWhole = try run(bytesMax: bytesMax)
            unsafe stream.pointee.next_in = nil
            return unsafe isWhole && stream.pointee.avail_in == 0
        }
        guard isWhole else { throw .damaged }
    }

    private func run(bytesMax: Int) throws(Failure) -> Bool {
        while true {
            unsafe stream.pointee.next_out = chunk.baseAddress
            unsafe stream.pointee.avail_out = UInt32(chunk.count)
            let result = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
            let count = unsafe chunk.count - Int(stream.pointee.avail_out)
            let made = unsafe UnsafeRawBufferPointer(start: chunk.baseAddress, count: count)
            unsafe output.append(made.bytes)
            guard output.count <= bytesMax else { throw .tooLarge }
            switch result {
            case Z_STREAM_END: return true
            // No room was used: the input has ended too early.
            case Z_OK where count == 0, Z_BUF_ERROR: return false
            case Z_OK: continue
            default: return false
            }
        }
    }
}
