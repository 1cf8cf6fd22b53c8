import CZlib
import CZstd
import Primitives

/// Packs bytes as they come.
///
/// Confined to one thread.
@safe
package final class Packer {
    private let packing: Packing
    /// Allocated, since zlib remembers where it is.
    private let gzip: UnsafeMutablePointer<z_stream>
    private let zstd: OpaquePointer?
    private var output = [UInt8](repeating: 0, count: Limits.unpackedPieceBytes)

    package init(_ packing: Packing) {
        self.packing = packing
        unsafe gzip = .allocate(capacity: 1)
        unsafe gzip.initialize(to: z_stream())
        unsafe zstd = packing == .zstd ? ZSTD_createCStream() : nil
        if packing == .gzip {
            let size = unsafe Int32(MemoryLayout<z_stream>.size)
            let result = unsafe deflateInit2_(
                gzip,
                Z_DEFAULT_COMPRESSION,
                Z_DEFLATED,
                MAX_WBITS + 16,
                8,
                Z_DEFAULT_STRATEGY,
                ZLIB_VERSION,
                size
            )
            precondition(result == Z_OK, "out of memory")
        }
    }

    deinit {
        if packing == .gzip { unsafe deflateEnd(gzip) }
        unsafe gzip.deallocate()
        unsafe ZSTD_freeCStream(zstd)
    }

    /// The packed form of what came so far, as far as it is made; with `isEnd`, to its end.
    package func pack(_ bytes: [UInt8], isEnd: Bool) -> [UInt8] {
        switch packing {
        case .none: bytes
        case .gzip: zip(bytes, isEnd: isEnd)
        case .zstd: zstd(bytes, isEnd: isEnd)
        }
    }

    private func zip(_ bytes: [UInt8], isEnd: Bool) -> [UInt8] {
        var bytes = bytes
        var made: [UInt8] = []
        unsafe bytes.withUnsafeMutableBufferPointer { source in
            unsafe gzip.pointee.next_in = source.baseAddress
            unsafe gzip.pointee.avail_in = UInt32(source.count)
            var room: UInt32 = 0
            repeat {
                unsafe output.withUnsafeMutableBufferPointer { target in
                    unsafe gzip.pointee.next_out = target.baseAddress
                    unsafe gzip.pointee.avail_out = UInt32(target.count)
                    _ = unsafe deflate(gzip, isEnd ? Z_FINISH : Z_NO_FLUSH)
                    room = unsafe gzip.pointee.avail_out
                }
                made += output[..<(output.count - Int(room))]
            } while room == 0
        }
        return made
    }

    private func zstd(_ bytes: [UInt8], isEnd: Bool) -> [UInt8] {
        var made: [UInt8] = []
        unsafe bytes.withUnsafeBufferPointer { source in
            var from = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
            var left = 0
            repeat {
                let count = unsafe output.withUnsafeMutableBufferPointer { target in
                    var to = unsafe ZSTD_outBuffer(
                        dst: target.baseAddress,
                        size: target.count,
                        pos: 0
                    )
                    left = unsafe ZSTD_compressStream2(
                        zstd,
                        &to,
                        &from,
                        isEnd ? ZSTD_e_end : ZSTD_e_continue
                    )
                    precondition(ZSTD_isError(left) == 0, "zstd refused to pack")
                    return unsafe to.pos
                }
                made += output[..<count]
            } while unsafe isEnd ? left != 0 : from.pos < from.size
        }
        return made
    }
}
