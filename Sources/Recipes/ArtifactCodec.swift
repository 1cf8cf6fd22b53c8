import Primitives

/// Writes a model's numbers, little-endian, behind a tag that says whose they are.
struct ArtifactWriter {
    private let writer: ByteWriter

    init(_ writer: ByteWriter, tag: UInt32) {
        self.writer = writer
        put(tag)
    }

    func put<T: FixedWidthInteger>(_ value: T) {
        for byte in 0..<T.bitWidth / 8 {
            writer.append(UInt8(truncatingIfNeeded: value >> T(byte * 8)))
        }
    }

    func put(_ text: String) {
        put(UInt32(text.utf8.count))
        writer.append(utf8: text)
    }

    func put(_ value: Double) { put(value.bitPattern) }
    func put(_ value: Float) { put(value.bitPattern) }
}

/// Reads what `ArtifactWriter` wrote; every read is checked.
struct ArtifactReader {
    private let bytes: [UInt8]
    private var offset = 0
    /// Whose numbers they are.
    let tag: UInt32

    init(_ bytes: [UInt8], tag: UInt32) throws(RecipeError) {
        try self.init(bytes, tags: [tag])
    }

    /// Of a model that writes one of some tags.
    init(_ bytes: [UInt8], tags: [UInt32]) throws(RecipeError) {
        self.bytes = bytes
        tag = bytes.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
        offset = 4
        guard bytes.count >= 4 else { throw Self.damaged("it ends too soon") }
        guard tags.contains(tag) else { throw Self.damaged("its tag is another model's") }
    }

    mutating func number<T: FixedWidthInteger & UnsignedInteger>(
        _ type: T.Type
    ) throws(RecipeError) -> T {
        let size = T.bitWidth / 8
        guard offset + size <= bytes.count else { throw Self.damaged("it ends too soon") }
        var value: T = 0
        for byte in 0..<size { value |= T(bytes[offset + byte]) << T(byte * 8) }
        offset += size
        return value
    }

    /// A count of things that take at least `size` bytes each.
    mutating func count(of size: Int) throws(RecipeError) -> Int {
        let value = try number(UInt32.self)
        guard Int(value) <= (bytes.count - offset) / size else {
            throw Self.damaged("it counts more than it holds")
        }
        return Int(value)
    }

    mutating func double() throws(RecipeError) -> Double {
        Double(bitPattern: try number(UInt64.self))
    }

    mutating func float() throws(RecipeError) -> Float {
        let value = Float(bitPattern: try number(UInt32.self))
        guard value.isFinite else { throw Self.damaged("a number is not finite") }
        return value
    }

    mutating func text() throws(RecipeError) -> String {
        let length = try count(of: 1)
        guard let text = String(validating: bytes[offset..<offset + length], as: UTF8.self) else {
            throw Self.damaged("a text is not UTF-8")
        }
        offset += length
        return text
    }

    func end() throws(RecipeError) {
        guard offset == bytes.count else { throw Self.damaged("it goes on behind its end") }
    }

    static func damaged(_ reason: String) -> RecipeError {
        RecipeError(.badArtifact, "the artifact can't be read: \(reason)")
    }
}
