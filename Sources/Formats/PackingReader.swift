import CZlib
import CZstd
import Primitives

/// How the bytes of a file are packed.
package enum Packing: Hashable, Sendable {
    case none, gzip, zstd

    /// What the first bytes of a file say; any others are plain.
    package init(firstBytes bytes: [UInt8]) {
        if bytes.starts(with: [0x1F, 0x8B]) {
            self = .gzip
        } else if bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
            self = .zstd
        } else {
            self = .none
        }
    }
}

/// Why packed bytes can't be unpacked.
package struct PackingError: Error, Hashable, Sendable {
    package var message: String

    package init(message: String) {
        self.message = message
    }
}

/// Unpacks a file as its bytes come, in pieces of bounded size.
///
/// Confined to one thread. Several gzip members or zstd frames in a row are one file. A file that
/// unpacks to more than `Limits.unpackedRatioMax` times its size is refused once it has become
/// large.
@safe
package final class Unpacker {
    private let packing: Packing
    /// Allocated, since zlib remembers where it is.
    private let gzip: UnsafeMutablePointer<z_stream>
    private let zstd: OpaquePointer?
    private var input: [UInt8] = []
    private var position = 0
    private var packedCount: UInt64 = 0
    private var unpackedCount: UInt64 = 0
    /// A member or frame has begun and not ended.
    private var isInside = false
    private var output = [UInt8](repeating: 0, count: Limits.unpackedPieceBytes)

    package init(_ packing: Packing) {
        self.packing = packing
        unsafe gzip = .allocate(capacity: 1)
        unsafe gzip.initialize(to: z_stream())
        unsafe zstd = packing == .zstd ? ZSTD_createDStream() : nil
        if packing == .gzip {
            // 16 beyond the window's bits asks for gzip.
            let size = unsafe Int32(MemoryLayout<z_stream>.size)
            let result = unsafe inflateInit2_(gzip, MAX_WBITS + 16, ZLIB_VERSION, size)
            precondition(result == Z_OK, "out of memory")
        }
    }

    deinit {
        if packing == .gzip { unsafe inflateEnd(gzip) }
        unsafe gzip.deallocate()
        unsafe ZSTD_freeDStream(zstd)
    }

    /// Takes the next bytes of the file.
    package func add(_ bytes: [UInt8]) {
        if position == input.count {
            input = bytes
            position = 0
        } else {
            input.removeSubrange(..<position)
            position = 0
            input += bytes
        }
        packedCount += UInt64(bytes.count)
    }

    /// The next unpacked bytes; empty when more of the file is needed.
    package func next() throws(PackingError) -> [UInt8] {
        guard position < input.count else { return [] }
        let made: [UInt8]
        switch packing {
        case .none:
            made = position == 0 ? input : Array(input[position...])
            position = input.count
        case .gzip: made = try unzip()
        case .zstd: made = try unzstd()
        }
        unpackedCount += UInt64(made.count)
        if packing != .none, unpackedCount > Limits.unpackedFreeBytes,
            unpackedCount / Limits.unpackedRatioMax > packedCount
        {
            throw PackingError(
                message: "unpacks to more than \(Limits.unpackedRatioMax) times its size"
            )
        }
        return made
    }

    /// The file has ended.
    package func finish() throws(PackingError) {
        if isInside { throw PackingError(message: "the packed file ends in the middle") }
    }

    private func unzip() throws(PackingError) -> [UInt8] {
        while position < input.count {
            if !isInside {
                unsafe inflateReset(gzip)
                isInside = true
            }
            let (result, made) = unsafe input.withUnsafeMutableBufferPointer { source in
                unsafe output.withUnsafeMutableBufferPointer { target in
                    unsafe gzip.pointee.next_in = source.baseAddress.map { unsafe $0 + position }
                    unsafe gzip.pointee.avail_in = UInt32(source.count - position)
                    unsafe gzip.pointee.next_out = target.baseAddress
                    unsafe gzip.pointee.avail_out = UInt32(target.count)
                    let result = unsafe inflate(gzip, Z_NO_FLUSH)
                    position = source.count - Int(unsafe gzip.pointee.avail_in)
                    return (result, target.count - Int(unsafe gzip.pointee.avail_out))
                }
            }
            switch result {
            case Z_OK, Z_BUF_ERROR: break
            case Z_STREAM_END: isInside = false
            default:
                let reason = unsafe gzip.pointee.msg.map { unsafe String(cString: $0) }
                throw PackingError(message: "the gzip data is damaged: \(reason ?? "\(result)")")
            }
            if made > 0 { return Array(output[..<made]) }
            if result == Z_BUF_ERROR { break }
        }
        return []
    }

    private func unzstd() throws(PackingError) -> [UInt8] {
        while position < input.count {
            let (left, used, made) = unsafe input.withUnsafeBufferPointer { source in
                unsafe output.withUnsafeMutableBufferPointer { target in
                    var from = unsafe ZSTD_inBuffer(
                        src: source.baseAddress,
                        size: source.count,
                        pos: position
                    )
                    var to = unsafe ZSTD_outBuffer(
                        dst: target.baseAddress,
                        size: target.count,
                        pos: 0
                    )
                    let left = unsafe ZSTD_decompressStream(zstd, &to, &from)
                    return unsafe (left, from.pos, to.pos)
                }
            }
            guard ZSTD_isError(left) == 0 else {
                let reason = unsafe String(cString: ZSTD_getErrorName(left))
                throw PackingError(message: "the zstd data is damaged: \(reason)")
            }
            position = used
            isInside = left != 0
            if made > 0 { return Array(output[..<made]) }
        }
        return []
    }
}
