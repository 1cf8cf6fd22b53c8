import Primitives

/// The bytes of a file that have not become rows yet, cut at line ends.
struct LineBuffer {
    private(set) var bytes: [UInt8] = []
    private(set) var position = 0
    /// Of `bytes[position]` in the file.
    private(set) var offset: UInt64 = 0
    /// Lines before it.
    private(set) var line: UInt64 = 0
    private var isAtStart = true

    init(offset: UInt64 = 0, line: UInt64 = 0) {
        self.offset = offset
        self.line = line
        isAtStart = offset == 0
    }

    mutating func add(_ more: [UInt8]) {
        if position > 0 {
            bytes.removeSubrange(..<position)
            position = 0
        }
        bytes += more
    }

    var count: Int { bytes.count - position }

    /// Passes over a UTF-8 mark at the start of the file; false while it can't be told yet.
    mutating func skipMark(isEnd: Bool) -> Bool {
        guard isAtStart else { return true }
        guard count >= 3 || isEnd else { return false }
        isAtStart = false
        if bytes[position...].starts(with: [0xEF, 0xBB, 0xBF]) { take(3, lines: 0) }
        return true
    }

    /// Bytes before the next line feed at or behind `start` bytes from here; `nil` without one.
    func lineEnd(from start: Int) -> Int? {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe Bytes.index(of: 0x0A, in: buffer, from: position + start).map { $0 - position }
        }
    }

    mutating func take(_ count: Int, lines: UInt64) {
        position += count
        offset += UInt64(count)
        line += lines
    }
}

/// Searches in bytes.
enum Bytes {
    static func index(of byte: UInt8, in buffer: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < buffer.count, let base = buffer.baseAddress else { return nil }
        let found = unsafe find(base + start, byte, buffer.count - start)
        return found < 0 ? nil : start + found
    }

    /// Eight bytes at a time; -1 when it is not there.
    private static func find(
        _ base: UnsafeRawPointer,
        _ byte: UInt8,
        _ count: Int
    ) -> Int {
        let pattern = UInt64(byte) &* 0x0101_0101_0101_0101
        var index = 0
        while index + 8 <= count {
            let word = unsafe base.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ pattern
            let zeros = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
            if zeros != 0 { return index + zeros.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < count {
            if unsafe base.load(fromByteOffset: index, as: UInt8.self) == byte { return index }
            index += 1
        }
        return -1
    }
}
