internal import CBowerbirdProtos
internal import CProtobufC

/// Which message a run of bytes is; its place in the generated table.
package struct MessageType: Hashable, Sendable {
    let index: Int

    package init(index: Int) {
        self.index = index
    }

    static var all: [MessageType] { (0..<bowerbird_message_count()).map { MessageType(index: $0) } }

    var descriptor: UnsafePointer<ProtobufCMessageDescriptor> {
        guard let descriptor = unsafe bowerbird_message(index) else {
            preconditionFailure("the generated views and the C table differ")
        }
        return unsafe descriptor
    }
}

/// The fields of one decoded message by their offsets, which the generator took from the
/// descriptor.
///
/// Borrows the arena that holds them.
@safe
package struct MessageFields: ~Escapable {
    private let base: UnsafeRawPointer

    @_lifetime(borrow arena)
    package init(
        unpacking bytes: RawSpan,
        as type: MessageType,
        into arena: borrowing Arena
    ) throws(WireError) {
        let descriptor = unsafe type.descriptor
        guard let message = unsafe arena.unpack(bytes, as: descriptor) else {
            let name = unsafe String(cString: descriptor.pointee.name)
            if arena.isOverflowing {
                throw WireError(.tooLarge, "the decoded \(name) is too large for one call")
            }
            throw WireError(
                .malformed,
                "these \(bytes.byteCount) bytes are no message of type \(name)"
            )
        }
        try unsafe TextCheck.check(message, descriptor)
        unsafe base = UnsafeRawPointer(message)
    }

    @_lifetime(immortal)
    private init(base: UnsafeRawPointer) {
        unsafe self.base = base
    }

    // SAFETY, of everything below: offsets come from the descriptor that `base` was unpacked by,
    // and results carry the lifetime of `self`, hence of the arena.

    private func load<T: BitwiseCopyable>(_ offset: Int, _ type: T.Type) -> T {
        unsafe base.load(fromByteOffset: offset, as: type)
    }

    func isPresent(_ number: Int, case offset: Int) -> Bool {
        load(offset, UInt32.self) == UInt32(number)
    }

    func bool(_ offset: Int) -> Bool { load(offset, Int32.self) != 0 }
    func int32(_ offset: Int) -> Int32 { load(offset, Int32.self) }
    func int64(_ offset: Int) -> Int64 { load(offset, Int64.self) }
    func uint32(_ offset: Int) -> UInt32 { load(offset, UInt32.self) }
    func uint64(_ offset: Int) -> UInt64 { load(offset, UInt64.self) }
    func double(_ offset: Int) -> Double { load(offset, Double.self) }
    func float(_ offset: Int) -> Float { load(offset, Float.self) }
    func count(_ offset: Int) -> Int { load(offset, Int.self) }

    @_lifetime(copy self)
    func text(_ offset: Int) -> WireText {
        let data = unsafe base.load(fromByteOffset: offset, as: ProtobufCBinaryData.self)
        return unsafe _overrideLifetime(WireText(start: data.data, count: data.len), copying: self)
    }

    var noText: WireText {
        @_lifetime(copy self)
        get { unsafe _overrideLifetime(WireText(start: nil, count: 0), copying: self) }
    }

    @_lifetime(copy self)
    func text(_ offset: Int, _ index: Int, count: Int) -> WireText {
        precondition(index >= 0 && index < self.count(count))
        let data = unsafe base.load(
            fromByteOffset: offset,
            as: UnsafePointer<ProtobufCBinaryData>.self
        )[index]
        return unsafe _overrideLifetime(WireText(start: data.data, count: data.len), copying: self)
    }

    func int32(_ offset: Int, _ index: Int, count: Int) -> Int32 {
        precondition(index >= 0 && index < self.count(count))
        return unsafe base.load(fromByteOffset: offset, as: UnsafePointer<Int32>.self)[index]
    }

    func hasMessage(_ offset: Int) -> Bool { load(offset, UInt.self) != 0 }

    @_lifetime(copy self)
    func message(_ offset: Int) -> MessageFields {
        guard let pointer = unsafe base.load(fromByteOffset: offset, as: UnsafeRawPointer?.self)
        else { preconditionFailure("an absent message was read; ask has… first") }
        return unsafe _overrideLifetime(MessageFields(base: pointer), copying: self)
    }

    @_lifetime(copy self)
    func message(_ offset: Int, _ index: Int, count: Int) -> MessageFields {
        precondition(index >= 0 && index < self.count(count))
        let pointer = unsafe base.load(
            fromByteOffset: offset,
            as: UnsafePointer<UnsafeRawPointer>.self
        )[index]
        return unsafe _overrideLifetime(MessageFields(base: pointer), copying: self)
    }

    /// A map with text keys and values; of entries with the same key the last one wins.
    func textMap(_ offset: Int, count: Int) -> [String: String] {
        var result: [String: String] = [:]
        for index in 0..<self.count(count) {
            let entry = message(offset, index, count: count)
            result[entry.text(Self.entryKeyOffset).string] =
                entry.text(Self.entryValueOffset).string
        }
        return result
    }

    /// Where protoc-c lays the two fields of an entry, behind the message's base.
    private static let entryKeyOffset = unsafe MemoryLayout<ProtobufCMessage>.stride
    private static let entryValueOffset =
        unsafe entryKeyOffset + MemoryLayout<ProtobufCBinaryData>.stride
}

/// The bytes of one text field: valid UTF-8 without NUL, or raw bytes where the field has those.
@safe
package struct WireText: ~Escapable {
    private let start: UnsafePointer<UInt8>?
    package let count: Int

    @_lifetime(immortal)
    init(start: UnsafePointer<UInt8>?, count: Int) {
        unsafe self.start = start
        self.count = count
    }

    package var isEmpty: Bool { count == 0 }

    package var bytes: RawSpan {
        @_lifetime(copy self)
        get {
            let buffer = unsafe UnsafeRawBufferPointer(start: start, count: count)
            return unsafe _overrideLifetime(RawSpan(_unsafeBytes: buffer), copying: self)
        }
    }

    /// A copy as a Swift string.
    package var string: String {
        unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// A copy of the bytes.
    package var array: [UInt8] {
        unsafe Array(UnsafeBufferPointer(start: start, count: count))
    }
}
