internal import CBowerbirdProtos
internal import CProtobufC
internal import Primitives

/// The memory of one call's decoded messages: a pointer bump an allocation, freed in one step.
///
/// libprotobuf-c allocates a block per string and per message; here they lie one behind the other.
/// Views borrow the arena, so none outlives a `reset`. Confined to one thread; blocks are kept for
/// the next call, up to `Limits.arenaBytesKept`.
@safe
package final class Arena {
    @safe
    private struct Block {
        let start: UnsafeMutableRawPointer
        let capacity: Int
    }

    private var blocks: [Block] = []
    private var used = 0
    private var totalBytes = 0
    private let bytesMax: Int
    /// An allocation was refused since the last reset, for the bound's sake.
    package private(set) var isOverflowing = false

    package init(bytesMax: Int = Limits.decodedMessageBytesMax) {
        self.bytesMax = bytesMax
    }

    deinit {
        for block in blocks { unsafe block.start.deallocate() }
    }

    /// Forgets everything that was allocated.
    ///
    /// O(blocks); keeps the first block unless it is larger than `Limits.arenaBytesKept`.
    package func reset() {
        while blocks.count > 1 || (blocks.first?.capacity ?? 0) > Limits.arenaBytesKept {
            unsafe blocks.removeLast().start.deallocate()
        }
        used = 0
        totalBytes = 0
        isOverflowing = false
    }

    /// Bytes for one object, aligned for any of them; `nil` over the bound.
    func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        let rounded = (byteCount + 15) & ~15
        guard byteCount >= 0, totalBytes + rounded <= bytesMax else {
            isOverflowing = true
            return nil
        }
        if blocks.isEmpty || used + rounded > blocks[blocks.count - 1].capacity {
            let capacity = max(rounded, min(16_384 << blocks.count, 1 << 20))
            let start = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
            unsafe blocks.append(Block(start: start, capacity: capacity))
            used = 0
        }
        let pointer = unsafe blocks[blocks.count - 1].start + used
        used += rounded
        totalBytes += rounded
        return unsafe pointer
    }

    /// Unpacks `bytes`; `nil` when malformed or too large (`isOverflowing` tells which).
    func unpack(
        _ bytes: RawSpan,
        as descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    ) -> UnsafeMutableRawPointer? {
        // SAFETY: unretained is enough. `self` outlives the call, and libprotobuf-c keeps no
        // reference to the allocator after unpacking.
        var allocator = unsafe ProtobufCAllocator(
            alloc: { context, byteCount in
                guard let context = unsafe context else { return nil }
                let arena = unsafe Unmanaged<Arena>.fromOpaque(context).takeUnretainedValue()
                return unsafe arena.allocate(byteCount)
            },
            free: { _, _ in },
            allocator_data: Unmanaged.passUnretained(self).toOpaque()
        )
        return unsafe bytes.withUnsafeBytes { buffer in
            let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            let message = unsafe protobuf_c_message_unpack(
                descriptor,
                &allocator,
                buffer.count,
                start
            )
            return UnsafeMutableRawPointer(message)
        }
    }
}
