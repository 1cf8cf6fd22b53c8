import CSimdJSON

/// Whether bytes are text.
enum TextCheck {
    static func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
        unsafe bowerbird_is_utf8(
            bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
            bytes.count
        ) != 0
    }
}
