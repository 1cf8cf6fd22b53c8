import Glibc

/// A growing run of bytes with one owner, which encoders write and sockets drain.
///
/// Replies are encoded straight into the buffer that `writev` reads, so no message is copied
/// between the layers. Not thread-safe: it belongs to one reactor, or to one caller.
///
/// `append` is amortised O(1) per byte. The storage never shrinks; `removeAll` keeps it for reuse.
@safe
package final class ByteWriter {
    @usableFromInline var base: UnsafeMutableRawPointer
    /// Bytes that fit before it grows.
    @usableFromInline package private(set) var capacity: Int
    @usableFromInline var end: Int = 0

    @inlinable package var count: Int { end }

    package init(capacity: Int = 256) {
        self.capacity = max(capacity, 16)
        unsafe base = UnsafeMutableRawPointer.allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit {
        unsafe base.deallocate()
    }

    /// What was written so far; valid until the next mutation.
    package var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // SAFETY: `base` holds `count` initialised bytes and lives as long as `self`, which the
            // span borrows.
            let span = unsafe RawSpan(_unsafeStart: base, byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Runs `body` with the written bytes; the pointer must not escape.
    @unsafe
    package func withUnsafeBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try unsafe body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Runs `body` with the written bytes from `start` on, which it may overwrite; the pointer must
    /// not escape.
    @unsafe
    package func withUnsafeMutableTail<R>(
        from start: Int,
        _ body: (UnsafeMutableRawBufferPointer) -> R
    ) -> R {
        precondition(start >= 0 && start <= count)
        return unsafe body(UnsafeMutableRawBufferPointer(start: base + start, count: count - start))
    }

    @inlinable
    package func append(_ byte: UInt8) {
        if end == capacity { reserve(1) }
        unsafe base.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
        end += 1
    }

    /// Appends a number as protobuf's varint: 7 bits a byte, the lowest first.
    @inlinable
    package func append(varint value: UInt64) {
        if value < 0x80 { return append(UInt8(truncatingIfNeeded: value)) }
        reserve(10)
        var rest = value
        while rest >= 0x80 {
            let byte = UInt8(truncatingIfNeeded: rest) | 0x80
            unsafe base.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
            end += 1
            rest >>= 7
        }
        unsafe base.storeBytes(of: UInt8(rest), toByteOffset: end, as: UInt8.self)
        end += 1
    }

    /// Appends the bytes of a number, the lowest first.
    @inlinable
    package func append<Number: FixedWidthInteger>(littleEndian value: Number) {
        let size = MemoryLayout<Number>.size
        reserve(size)
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: end, as: Number.self)
        end += size
    }

    package func append(_ span: RawSpan) {
        reserve(span.byteCount)
        let target = unsafe base + end
        unsafe span.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            unsafe target.copyMemory(from: start, byteCount: source.count)
        }
        end += span.byteCount
    }

    /// Appends the bytes of a number, the highest first.
    package func append(bigEndian value: some FixedWidthInteger) {
        let size = value.bitWidth / 8
        reserve(size)
        unsafe base.storeBytes(of: value.bigEndian, toByteOffset: end, as: type(of: value))
        end += size
    }

    package func append(utf8 text: String) {
        text.withRawSpan { append($0) }
    }

    /// Adds `byteCount` zero bytes and returns the offset of the first.
    @discardableResult
    package func appendZeros(_ byteCount: Int) -> Int {
        reserve(byteCount)
        let offset = count
        unsafe (base + offset).initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        end += byteCount
        return offset
    }

    /// Overwrites one byte that was already written.
    @inlinable
    package func set(_ byte: UInt8, at offset: Int) {
        precondition(offset >= 0 && offset < count)
        unsafe base.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
    }

    /// Opens a gap of `byteCount` uninitialised-to-the-reader bytes before `offset`.
    ///
    /// For a length prefix that turned out longer than guessed. O(bytes after `offset`).
    package func insertGap(_ byteCount: Int, at offset: Int) {
        precondition(offset >= 0 && offset <= count && byteCount >= 0)
        reserve(byteCount)
        unsafe memmove(base + offset + byteCount, base + offset, count - offset)
        end += byteCount
    }

    /// Forgets everything after the first `newCount` bytes.
    package func truncate(to newCount: Int) {
        precondition(newCount >= 0 && newCount <= count)
        end = newCount
    }

    /// Forgets the first `byteCount` bytes; O(bytes that remain).
    package func removeFirst(_ byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= count)
        unsafe memmove(base, base + byteCount, count - byteCount)
        end -= byteCount
    }

    package func removeAll() {
        end = 0
    }

    @inlinable
    package func reserve(_ additional: Int) {
        if end + additional > capacity { grow(additional) }
    }

    @usableFromInline
    func grow(_ additional: Int) {
        let grown = max(capacity * 2, count + additional)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: grown, alignment: 16)
        unsafe moved.copyMemory(from: base, byteCount: count)
        unsafe base.deallocate()
        unsafe base = moved
        capacity = grown
    }
}
