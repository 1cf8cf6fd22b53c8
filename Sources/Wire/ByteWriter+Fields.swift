package import Primitives

/// Protobuf's wire form, written straight into the buffer that is sent.
///
/// A field with its default value is left out unless `always` is given, as proto3 says.
extension ByteWriter {
    package func varint(_ value: UInt64) { append(varint: value) }

    func field(_ number: Int, varint value: UInt64, always: Bool = false) {
        guard always || value != 0 else { return }
        varint(UInt64(number << 3))
        varint(value)
    }

    func field(_ number: Int, text: String, always: Bool = false) {
        guard always || !text.isEmpty else { return }
        varint(UInt64(number << 3 | 2))
        varint(UInt64(text.utf8.count))
        append(utf8: text)
    }

    func field(_ number: Int, bytes: RawSpan, always: Bool = false) {
        guard always || bytes.byteCount > 0 else { return }
        varint(UInt64(number << 3 | 2))
        varint(UInt64(bytes.byteCount))
        append(bytes)
    }

    func field(_ number: Int, double value: Double, always: Bool = false) {
        guard always || value.bitPattern != 0 else { return }
        varint(UInt64(number << 3 | 1))
        append(littleEndian: value.bitPattern)
    }

    func field(_ number: Int, float value: Float, always: Bool = false) {
        guard always || value.bitPattern != 0 else { return }
        varint(UInt64(number << 3 | 5))
        append(littleEndian: value.bitPattern)
    }

    func field(_ number: Int, key: String, value: String) {
        field(number) {
            field(1, text: key)
            field(2, text: value)
        }
    }

    /// A nested message; its length is patched in behind it.
    ///
    /// One byte is kept for the length, since most are under 128; a longer one moves the message
    /// up.
    func field(_ number: Int, message body: () -> Void) {
        varint(UInt64(number << 3 | 2))
        let start = count
        append(0)
        body()
        let length = count - start - 1
        if length < 0x80 { return set(UInt8(length), at: start) }
        var rest = UInt64(length)
        var extra = 0
        while rest >= 0x80 {
            rest >>= 7
            extra += 1
        }
        if extra > 0 { insertGap(extra, at: start + 1) }
        rest = UInt64(length)
        for index in 0...extra {
            let more: UInt8 = index < extra ? 0x80 : 0
            set(UInt8(truncatingIfNeeded: rest & 0x7F) | more, at: start + index)
            rest >>= 7
        }
    }
}
