internal import CBowerbirdProtos
internal import CProtobufC

/// Refuses text that is not UTF-8 or has a NUL, in every text field of a decoded message.
///
/// libprotobuf-c checks neither. Recursion is bounded because no message type reaches itself (a
/// test walks the descriptors).
enum TextCheck {
    private static let textStride = unsafe MemoryLayout<ProtobufCBinaryData>.stride

    static func check(
        _ message: UnsafeRawPointer,
        _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    ) throws(WireError) {
        let fields = unsafe UnsafeBufferPointer(
            start: descriptor.pointee.fields,
            count: Int(descriptor.pointee.n_fields)
        )
        for index in fields.indices {
            let field = unsafe fields[index]
            let isMessage = unsafe field.type == PROTOBUF_C_TYPE_MESSAGE
            let isText =
                unsafe field.type == PROTOBUF_C_TYPE_BYTES
                && field.flags & UInt32(PROTOBUF_C_FIELD_FLAG_DEPRECATED.rawValue) == 0
            guard isMessage || isText else { continue }
            try unsafe check(field, of: message, isText: isText)
        }
    }

    private static func check(
        _ field: ProtobufCFieldDescriptor,
        of message: UnsafeRawPointer,
        isText: Bool
    ) throws(WireError) {
        let offset = unsafe Int(field.offset)
        if unsafe field.label == PROTOBUF_C_LABEL_REPEATED {
            let count = unsafe message.load(
                fromByteOffset: Int(field.quantifier_offset),
                as: Int.self
            )
            guard count > 0 else { return }
            let values = unsafe message.load(fromByteOffset: offset, as: UnsafeRawPointer.self)
            let stride = unsafe isText ? textStride : MemoryLayout<UnsafeRawPointer>.stride
            for index in 0..<count {
                try unsafe checkValue(values + index * stride, field, index: index, isText: isText)
            }
            return
        }
        let isOneof =
            unsafe field.flags & UInt32(PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue) != 0
        if isOneof {
            let present = unsafe message.load(
                fromByteOffset: Int(field.quantifier_offset),
                as: UInt32.self
            )
            guard unsafe present == field.id else { return }
        }
        try unsafe checkValue(message + offset, field, index: nil, isText: isText)
    }

    private static func checkValue(
        _ value: UnsafeRawPointer,
        _ field: ProtobufCFieldDescriptor,
        index: Int?,
        isText: Bool
    ) throws(WireError) {
        do throws(WireError) {
            if isText {
                try unsafe checkText(value.load(as: ProtobufCBinaryData.self))
            } else if let child = unsafe value.load(as: UnsafeRawPointer?.self) {
                let descriptor = unsafe field.descriptor.assumingMemoryBound(
                    to: ProtobufCMessageDescriptor.self
                )
                try unsafe check(child, descriptor)
            }
        } catch {
            let name = unsafe String(cString: field.name) + (index.map { "[\($0)]" } ?? "")
            let path = error.field.isEmpty ? name : "\(name).\(error.field)"
            throw WireError(error.code, field: path, error.message)
        }
    }

    private static func checkText(_ data: ProtobufCBinaryData) throws(WireError) {
        guard unsafe data.len > 0, let start = unsafe data.data else { return }
        let buffer = unsafe UnsafeBufferPointer(start: start, count: data.len)
        if let nul = unsafe buffer.firstIndex(of: 0) {
            throw WireError(.badText, "has a NUL at byte \(nul); text must not contain one")
        }
        let span = unsafe Span(_unsafeElements: buffer)
        do {
            _ = try UTF8Span(validating: span)
        } catch {
            throw WireError(
                .badText,
                "is not valid UTF-8 at byte \(error.byteOffsets.lowerBound)"
            )
        }
    }
}
