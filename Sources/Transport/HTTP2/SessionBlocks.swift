internal import CNghttp2
internal import Glibc
internal import Primitives

/// The memory of one libnghttp2 session: small blocks that it gives back are used again.
///
/// A call costs libnghttp2 seven blocks, always of the same few sizes. So what is freed lies in a
/// list by size, up to `Limits.sessionBytesKept`, until `trim`. Confined like the session; whoever
/// holds blocks of it holds this object, too.
@safe
final class SessionBlocks {
    // SAFETY: the lists are made here and freed in `deinit`; libnghttp2's copy of the pointer is
    // used by the session and by the texts that it hands out, and both hold this object.
    private let lists = UnsafeMutablePointer<Lists>.allocate(capacity: 1)

    init() {
        unsafe lists.initialize(to: Lists())
    }

    deinit {
        unsafe lists.pointee.trim()
        unsafe lists.deallocate()
    }

    /// Gives everything that nobody uses back to the system.
    func trim() {
        unsafe lists.pointee.trim()
    }

    /// Bytes that wait for their next use.
    var keptBytes: Int { unsafe lists.pointee.keptBytes }

    /// What libnghttp2 is to call.
    var functions: nghttp2_mem {
        unsafe nghttp2_mem(
            mem_user_data: lists,
            malloc: { size, user in unsafe SessionBlocks.lists(user).pointee.take(size) },
            free: { block, user in unsafe SessionBlocks.lists(user).pointee.give(block) },
            calloc: { count, size, user in
                let (bytes, isTooLarge) = count.multipliedReportingOverflow(by: size)
                guard !isTooLarge, let block = unsafe SessionBlocks.lists(user).pointee.take(bytes)
                else { return nil }
                return unsafe memset(block, 0, bytes)
            },
            realloc: { block, size, user in
                unsafe SessionBlocks.lists(user).pointee.resize(block, size)
            }
        )
    }

    private static func lists(_ user: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<Lists> {
        guard let user = unsafe user else { preconditionFailure("libnghttp2 lost its memory") }
        return unsafe user.assumingMemoryBound(to: Lists.self)
    }

    /// Free blocks by size, each with the address of the next; before a block stands its room.
    @safe
    private struct Lists {
        private static let headerBytes = 16
        private static let stepBytes = 32
        /// A multiple of the step for each list.
        private static let roomMax = 512

        private var first = unsafe InlineArray<16, UnsafeMutableRawPointer?>(repeating: nil)
        private(set) var keptBytes = 0

        @unsafe
        mutating func take(_ byteCount: Int) -> UnsafeMutableRawPointer? {
            let list = max(byteCount - 1, 0) / Self.stepBytes
            guard byteCount <= Self.roomMax else { return unsafe Self.make(byteCount) }
            let room = (list + 1) * Self.stepBytes
            guard let block = unsafe first[list] else { return unsafe Self.make(room) }
            unsafe first[list] = block.load(as: UnsafeMutableRawPointer?.self)
            keptBytes -= room
            return unsafe block
        }

        @unsafe
        mutating func give(_ block: UnsafeMutableRawPointer?) {
            guard let block = unsafe block else { return }
            let room = unsafe Self.room(of: block)
            guard room <= Self.roomMax, keptBytes + room <= Limits.sessionBytesKept else {
                return unsafe free(block - Self.headerBytes)
            }
            let list = room / Self.stepBytes - 1
            unsafe block.storeBytes(of: first[list], as: UnsafeMutableRawPointer?.self)
            unsafe first[list] = block
            keptBytes += room
        }

        @unsafe
        mutating func resize(
            _ block: UnsafeMutableRawPointer?,
            _ byteCount: Int
        ) -> UnsafeMutableRawPointer? {
            guard let block = unsafe block else { return unsafe take(byteCount) }
            let room = unsafe Self.room(of: block)
            if byteCount <= room { return unsafe block }
            guard let moved = unsafe take(byteCount) else { return nil }
            unsafe moved.copyMemory(from: block, byteCount: room)
            unsafe give(block)
            return unsafe moved
        }

        mutating func trim() {
            for list in unsafe first.indices {
                while let block = unsafe first[list] {
                    unsafe first[list] = block.load(as: UnsafeMutableRawPointer?.self)
                    unsafe free(block - Self.headerBytes)
                }
            }
            keptBytes = 0
        }

        private static func make(_ room: Int) -> UnsafeMutableRawPointer? {
            let (bytes, isTooLarge) = room.addingReportingOverflow(headerBytes)
            guard !isTooLarge, let start = unsafe malloc(bytes) else { return nil }
            unsafe start.storeBytes(of: room, as: Int.self)
            return unsafe start + headerBytes
        }

        private static func room(of block: UnsafeMutableRawPointer) -> Int {
            unsafe (block - headerBytes).load(as: Int.self)
        }
    }
}
