/// SipHash-1-3 (Aumasson and Bernstein, 2012): a keyed hash that is the same in every process.
///
/// For whatever is stored or sharded; the key comes from the data directory, so nobody outside can
/// aim at a shard. About 1 ns a byte.
package struct StableHash: Hashable, Sendable {
    private let key0: UInt64
    private let key1: UInt64

    package init(key: (UInt64, UInt64)) {
        (key0, key1) = key
    }

    package func hash(_ bytes: RawSpan) -> UInt64 {
        var v0 = key0 ^ 0x736f_6d65_7073_6575
        var v1 = key1 ^ 0x646f_7261_6e64_6f6d
        var v2 = key0 ^ 0x6c79_6765_6e65_7261
        var v3 = key1 ^ 0x7465_6462_7974_6573
        func round() {
            v0 &+= v1
            v1 = (v1 << 13 | v1 >> 51) ^ v0
            v0 = v0 << 32 | v0 >> 32
            v2 &+= v3
            v3 = (v3 << 16 | v3 >> 48) ^ v2
            v0 &+= v3
            v3 = (v3 << 21 | v3 >> 43) ^ v0
            v2 &+= v1
            v1 = (v1 << 17 | v1 >> 47) ^ v2
            v2 = v2 << 32 | v2 >> 32
        }
        let count = bytes.byteCount
        var offset = 0
        while offset + 8 <= count {
            // SAFETY: eight bytes from `offset` lie in the span, and any bits are a UInt64.
            let word = unsafe bytes.unsafeLoadUnaligned(
                fromUncheckedByteOffset: offset,
                as: UInt64.self
            )
            v3 ^= word
            round()
            v0 ^= word
            offset += 8
        }
        var last = UInt64(truncatingIfNeeded: count) << 56
        var shift: UInt64 = 0
        while offset < count {
            let byte = unsafe bytes.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
            last |= UInt64(byte) << shift
            shift += 8
            offset += 1
        }
        v3 ^= last
        round()
        v0 ^= last
        v2 ^= 0xff
        round()
        round()
        round()
        return v0 ^ v1 ^ v2 ^ v3
    }

    package func hash(_ text: String) -> UInt64 {
        text.withRawSpan { hash($0) }
    }
}
