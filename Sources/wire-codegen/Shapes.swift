import CBowerbirdProtos
import CProtobufC

/// A message as the generator needs it, read from its protobuf-c descriptor.
struct MessageShape {
    let fullName: String
    var fields: [FieldShape] = []

    init(_ pointer: UnsafePointer<ProtobufCMessageDescriptor>) {
        let descriptor = unsafe pointer.pointee
        fullName = unsafe String(cString: descriptor.name)
        for index in 0..<Int(unsafe descriptor.n_fields) {
            fields.append(unsafe FieldShape(descriptor.fields[index]))
        }
    }

    /// `google.rpc.BadRequest.FieldViolation` → `BadRequestFieldViolation`.
    var swiftName: String { swiftTypeName(fullName) }

    /// Whether it is an entry of a map with text keys and values; other maps are repeated entries.
    var isTextMapEntry: Bool {
        fullName.hasSuffix("Entry") && fields.map(\.name) == ["key", "value"]
            && fields.allSatisfy { field in
                if case .text = field.kind { return true }
                return false
            }
    }
}

/// One field of a message.
struct FieldShape {
    enum Kind {
        case text, rawBytes, bool, int32, int64, uint32, uint64, double, float
        case enumeration
        case message(String)
        /// A repeated entry with text keys and values.
        case textMap
    }

    let name: String
    let number: Int
    let kind: Kind
    let isRepeated: Bool
    /// Presence is known: the one member of its oneof, or one of several.
    let isOneof: Bool
    let offset: Int
    let quantifierOffset: Int
    let enumeration: EnumShape?

    init(_ descriptor: ProtobufCFieldDescriptor) {
        name = unsafe String(cString: descriptor.name)
        number = unsafe Int(descriptor.id)
        isRepeated = unsafe descriptor.label == PROTOBUF_C_LABEL_REPEATED
        let flags = unsafe descriptor.flags
        isOneof = flags & UInt32(PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue) != 0
        offset = unsafe Int(descriptor.offset)
        quantifierOffset = unsafe Int(descriptor.quantifier_offset)
        var enumeration: EnumShape?
        switch unsafe descriptor.type {
        case PROTOBUF_C_TYPE_BYTES:
            let isRaw = flags & UInt32(PROTOBUF_C_FIELD_FLAG_DEPRECATED.rawValue) != 0
            kind = isRaw ? .rawBytes : .text
        case PROTOBUF_C_TYPE_BOOL: kind = .bool
        case PROTOBUF_C_TYPE_INT32: kind = .int32
        case PROTOBUF_C_TYPE_INT64: kind = .int64
        case PROTOBUF_C_TYPE_UINT32: kind = .uint32
        case PROTOBUF_C_TYPE_UINT64: kind = .uint64
        case PROTOBUF_C_TYPE_DOUBLE: kind = .double
        case PROTOBUF_C_TYPE_FLOAT: kind = .float
        case PROTOBUF_C_TYPE_ENUM:
            kind = .enumeration
            enumeration = unsafe EnumShape(
                descriptor.descriptor.assumingMemoryBound(to: ProtobufCEnumDescriptor.self)
            )
        case PROTOBUF_C_TYPE_MESSAGE:
            let shape = unsafe MessageShape(
                descriptor.descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
            )
            kind = shape.isTextMapEntry ? .textMap : .message(shape.swiftName)
        default: fatalError("no Swift form yet for the type of field \(name)")
        }
        self.enumeration = enumeration
    }

    /// `user_id` → `userID`.
    var swiftName: String {
        let parts = name.split(separator: "_").map(String.init)
        let rest = parts.dropFirst().map { part in
            ["id": "ID", "ids": "IDs", "tps": "TPS"][part]
                ?? part.prefix(1).uppercased() + part.dropFirst()
        }
        return ([parts[0]] + rest).joined()
    }
}

/// An enum with its values.
struct EnumShape {
    let swiftName: String
    let source: String

    init(_ pointer: UnsafePointer<ProtobufCEnumDescriptor>) {
        let descriptor = unsafe pointer.pointee
        let shortName = unsafe String(cString: descriptor.short_name)
        let name = unsafe swiftTypeName(String(cString: descriptor.name)) + "Value"
        swiftName = name
        let prefix = snake(shortName).uppercased() + "_"
        var lines = [
            "package struct \(name): RawRepresentable, Hashable, Sendable {",
            "    package let rawValue: Int32",
            "    package init(rawValue: Int32) { self.rawValue = rawValue }",
        ]
        for index in 0..<Int(unsafe descriptor.n_values) {
            let value = unsafe descriptor.values[index]
            var label = unsafe String(cString: value.name)
            if label.hasPrefix(prefix) { label.removeFirst(prefix.count) }
            let parts = label.lowercased().split(separator: "_").map(String.init)
            let camel =
                parts[0]
                + parts.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }
                .joined()
            let number = unsafe value.value
            lines.append("    package static let \(camel) = Self(rawValue: \(number))")
        }
        source = (lines + ["}", ""]).joined(separator: "\n")
    }
}

/// The names after the package, joined: packages are in lower case, types are not.
func swiftTypeName(_ fullName: String) -> String {
    fullName.split(separator: ".")
        .filter { $0.first?.isUppercase ?? false }
        .joined()
}

/// `PutEventsRequest` → `put_events_request`, as protoc-c does it.
func snake(_ name: String) -> String {
    var result = ""
    for character in name {
        if character.isUppercase && !result.isEmpty && result.last != "_" { result += "_" }
        result += character.lowercased()
    }
    return result
}
