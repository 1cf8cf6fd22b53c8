internal import CBowerbirdProtos
internal import CProtobufC

/// The shape of a message as the server's copy has it; for tests that walk all messages.
package struct MessageShape: Sendable {
    package enum Kind: Hashable, Sendable {
        case bytes, bool, varint, fixed32, fixed64
        case message(MessageType)
    }

    package struct Field: Sendable {
        package var name: String
        package var number: Int
        package var isRepeated: Bool
        package var kind: Kind
    }

    package var type: MessageType
    package var fullName: String
    package var fields: [Field]

    /// Every message of the protos.
    package static var all: [MessageShape] { MessageType.all.map { MessageShape($0) } }

    package init(_ type: MessageType) {
        self.type = type
        let descriptor = unsafe type.descriptor.pointee
        fullName = unsafe String(cString: descriptor.name)
        fields = []
        for index in 0..<Int(unsafe descriptor.n_fields) {
            let field = unsafe descriptor.fields[index]
            fields.append(
                Field(
                    name: unsafe String(cString: field.name),
                    number: Int(unsafe field.id),
                    isRepeated: unsafe field.label == PROTOBUF_C_LABEL_REPEATED,
                    kind: unsafe Self.kind(field)
                )
            )
        }
    }

    private static func kind(_ field: ProtobufCFieldDescriptor) -> Kind {
        switch unsafe field.type {
        case PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_TYPE_STRING: return .bytes
        case PROTOBUF_C_TYPE_BOOL: return .bool
        case PROTOBUF_C_TYPE_FLOAT, PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_SFIXED32:
            return .fixed32
        case PROTOBUF_C_TYPE_DOUBLE, PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_SFIXED64:
            return .fixed64
        case PROTOBUF_C_TYPE_MESSAGE:
            let pointer = unsafe field.descriptor.assumingMemoryBound(
                to: ProtobufCMessageDescriptor.self
            )
            let match = MessageType.all.first { unsafe $0.descriptor == pointer }
            guard let match else { preconditionFailure("a message outside of the table") }
            return .message(match)
        default: return .varint
        }
    }

    /// Packs again what it unpacked.
    ///
    /// Unpacks `bytes` as this message and packs it again with libprotobuf-c, the oracle of the
    /// generated builders. `nil` when refused.
    package func repacked(_ bytes: RawSpan) -> [UInt8]? {
        let arena = Arena()
        let descriptor = unsafe type.descriptor
        guard let message = unsafe arena.unpack(bytes, as: descriptor) else { return nil }
        let base = unsafe message.assumingMemoryBound(to: ProtobufCMessage.self)
        let count = unsafe protobuf_c_message_get_packed_size(base)
        return unsafe [UInt8](unsafeUninitializedCapacity: max(count, 1)) { buffer, used in
            used = unsafe protobuf_c_message_pack(base, buffer.baseAddress)
        }
    }
}
