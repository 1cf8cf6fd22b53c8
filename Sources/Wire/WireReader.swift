/// Reads the fields of a message in wire form, one by one, without knowing its type.
///
/// For messages whose types the protos do not declare, such as the descriptors themselves.
package struct WireReader: ~Escapable {
    private let bytes: RawSpan
    private var offset = 0

    @_lifetime(copy bytes)
    package init(_ bytes: RawSpan) {
        self.bytes = bytes
    }

    /// Whether every byte was read.
    package var isAtEnd: Bool { offset == bytes.byteCount }

    /// One field: its number, and its bytes when it is length-delimited (else empty).
    package struct Field: ~Escapable {
        package let number: Int
        package let isDelimited: Bool
        package let bytes: RawSpan
        /// Of a varint; else 0.
        package let value: UInt64

        @_lifetime(copy bytes)
        init(number: Int, isDelimited: Bool, bytes: RawSpan, value: UInt64 = 0) {
            self.value = value
            self.number = number
            self.isDelimited = isDelimited
            self.bytes = bytes
        }

        package var text: String {
            unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        }
    }

    /// The next field; `nil` at the end, or where the bytes stop making sense.
    @_lifetime(copy self)
    package mutating func next() -> Field? {
        guard let key = varint() else { return nil }
        let number = Int(key >> 3)
        switch key & 7 {
        case 0:
            guard let value = varint() else { return nil }
            return Field(number: number, isDelimited: false, bytes: slice(0), value: value)
        case 1: return skip(8) ? Field(number: number, isDelimited: false, bytes: slice(0)) : nil
        case 5: return skip(4) ? Field(number: number, isDelimited: false, bytes: slice(0)) : nil
        case 2:
            guard let length = varint(), length <= UInt64(bytes.byteCount - offset) else {
                return nil
            }
            let start = offset
            offset += Int(length)
            return Field(
                number: number,
                isDelimited: true,
                bytes: bytes.extracting(start..<offset)
            )
        default: return nil
        }
    }

    @_lifetime(copy self)
    private func slice(_ count: Int) -> RawSpan {
        bytes.extracting(first: count)
    }

    private mutating func skip(_ count: Int) -> Bool {
        guard offset + count <= bytes.byteCount else { return false }
        offset += count
        return true
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while offset < bytes.byteCount, shift < 64 {
            let byte = unsafe bytes.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        return nil
    }
}
