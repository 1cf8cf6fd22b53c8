import Glibc
import Primitives

/// Where a log of RocksDB is damaged, which it says without a name, or not at all.
///
/// A log is a run of blocks of 32 KiB, a block a run of records: masked CRC-32C of type and
/// payload (4 bytes), length (2), type (1), payload. A record that ends behind the file was being
/// written when the process ended, and nobody was told of it. But a flipped bit in a length looks
/// the same to RocksDB, which then drops what follows; here whole records behind it tell.
struct LogCheck {
    private static let blockBytes = 32_768
    private static let headerBytes = 7

    private let bytes: [UInt8]
    /// Where in the file `bytes` begin: at a block.
    private let start: Int

    /// The first damage in a directory's logs, as file and byte.
    ///
    /// O(one block a log), or with `isThorough` O(all logs).
    static func damage(in directory: String, isThorough: Bool) -> (file: String, byte: Int)? {
        for name in names(directory) where name.hasSuffix(".log") {
            let path = directory + "/" + name
            guard let check = LogCheck(path, isThorough: isThorough) else { continue }
            if let byte = check.damage() { return (path, check.start + byte) }
        }
        return nil
    }

    private static func names(_ directory: String) -> [String] {
        guard let stream = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            names.append(name)
        }
        return names.sorted()
    }

    /// Reads the last block, or the whole file.
    private init?(_ path: String, isThorough: Bool) {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { _ = Glibc.close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        guard size >= 0 else { return nil }
        let start = isThorough ? 0 : size / Self.blockBytes * Self.blockBytes
        self.start = start
        bytes = unsafe [UInt8](unsafeUninitializedCapacity: size - start) { buffer, count in
            while count < size - start {
                let got = unsafe pread(
                    descriptor,
                    buffer.baseAddress?.advanced(by: count),
                    size - start - count,
                    off_t(start + count)
                )
                guard got > 0 else { break }
                count += got
            }
        }
    }

    private func damage() -> Int? {
        var offset = 0
        while offset + Self.headerBytes <= bytes.count {
            let left = Self.blockBytes - offset % Self.blockBytes
            if left < Self.headerBytes {
                offset += left
                continue
            }
            let length = length(at: offset)
            // Room that was never written to.
            if length == 0 && bytes[offset + 6] == 0 {
                return bytes[offset...].allSatisfy { $0 == 0 } ? nil : offset
            }
            let end = offset + Self.headerBytes + length
            guard Self.headerBytes + length <= left else { return offset }
            guard end <= bytes.count else { return isTorn(at: offset) ? nil : offset }
            guard isWhole(offset, end) else { return offset }
            offset = end
        }
        return nil
    }

    /// Whether the record that begins here is the file's last and less than it was to be.
    private func isTorn(at offset: Int) -> Bool {
        if isWhole(offset, bytes.count) { return false }
        var next = offset + Self.headerBytes
        while next + Self.headerBytes < bytes.count {
            let end = next + Self.headerBytes + length(at: next)
            if (1...4).contains(bytes[next + 6]), end > next + Self.headerBytes,
                end <= bytes.count, isWhole(next, end)
            {
                return false
            }
            next += 1
        }
        return true
    }

    private func length(at offset: Int) -> Int {
        Int(bytes[offset + 4]) | Int(bytes[offset + 5]) << 8
    }

    private func isWhole(_ offset: Int, _ end: Int) -> Bool {
        let stored = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[offset + $1]) << ($1 * 8) }
        var sum = UInt32.max
        for byte in bytes[(offset + 6)..<end] {
            sum = sum >> 8 ^ Self.table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)]
        }
        sum = ~sum
        return (sum >> 15 | sum << 17) &+ 0xA282_EAD8 == stored
    }

    /// CRC-32C (Castagnoli), a byte at a time.
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { sum, _ in sum >> 1 ^ (sum & 1 == 1 ? 0x82F6_3B78 : 0) }
    }
}
