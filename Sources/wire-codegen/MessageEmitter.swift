/// The Swift source of one message's view and builder.
struct MessageEmitter {
    private let message: MessageShape
    private let index: Int

    /// `index` is the message's place in `bowerbird_message`.
    init(_ message: MessageShape, index: Int) {
        self.message = message
        self.index = index
    }

    var source: String {
        let name = message.swiftName
        var lines = [
            "package import Primitives",
            "",
            "/// `\(message.fullName)`, decoded; borrows its arena.",
            "package struct \(name)View: ~Escapable {",
            "    package let fields: MessageFields",
            "",
            "    @_lifetime(copy fields)",
            "    package init(_ fields: MessageFields) { self.fields = fields }",
            "",
            "    @_lifetime(borrow arena)",
            "    package init(unpacking bytes: RawSpan, into arena: borrowing Arena) throws(WireError) {",
            "        fields = try MessageFields(unpacking: bytes, as: MessageType(index: \(index)), into: arena)",
            "    }",
        ]
        for field in message.fields { lines += accessor(field) }
        lines += [
            "}", "", "/// `\(message.fullName)`, written straight in wire form.",
            "package struct \(name)Builder {",
            "    package let writer: ByteWriter",
            "",
            "    package init(into writer: ByteWriter) { self.writer = writer }",
        ]
        for field in message.fields { lines += setter(field) }
        return header + (lines + ["}", ""]).joined(separator: "\n")
    }

    private func accessor(_ field: FieldShape) -> [String] {
        let name = field.swiftName
        let at = field.offset
        if case .textMap = field.kind {
            return [
                "    package var \(name): [String: String] { fields.textMap(\(at), count: \(field.quantifierOffset)) }"
            ]
        }
        if field.isRepeated { return repeatedAccessor(field) }
        var lines: [String] = []
        if field.isOneof {
            lines.append(
                "    package var has\(capitalized(name)): Bool { fields.isPresent(\(field.number), case: \(field.quantifierOffset)) }"
            )
        }
        switch field.kind {
        case .text, .rawBytes:
            lines += [
                "    package var \(name): WireText { @_lifetime(copy self) get { \(guarded(field, "fields.text(\(at))", "fields.noText")) } }"
            ]
        case .message(let type):
            if !field.isOneof {
                lines.append(
                    "    package var has\(capitalized(name)): Bool { fields.hasMessage(\(at)) }"
                )
            }
            lines += [
                "    package var \(name): \(type)View { @_lifetime(copy self) get { \(type)View(fields.message(\(at))) } }"
            ]
        case .enumeration:
            let type = field.enumeration?.swiftName ?? ""
            lines.append(
                "    package var \(name): \(type) { \(type)(rawValue: \(guarded(field, "fields.int32(\(at))", "0"))) }"
            )
        default:
            let (type, reader, zero) = scalar(field.kind)
            lines.append(
                "    package var \(name): \(type) { \(guarded(field, "fields.\(reader)(\(at))", zero)) }"
            )
        }
        return lines
    }

    /// Members of a oneof share their bytes: only the present one may be read.
    private func guarded(_ field: FieldShape, _ read: String, _ otherwise: String) -> String {
        field.isOneof ? "has\(capitalized(field.swiftName)) ? \(read) : \(otherwise)" : read
    }

    private func repeatedAccessor(_ field: FieldShape) -> [String] {
        let name = field.swiftName
        let at = field.offset
        var lines = [
            "    package var \(name)Count: Int { fields.count(\(field.quantifierOffset)) }"
        ]
        switch field.kind {
        case .message(let type):
            lines += [
                "    @_lifetime(copy self)",
                "    package func \(name)(_ index: Int) -> \(type)View { \(type)View(fields.message(\(at), index, count: \(field.quantifierOffset))) }",
            ]
        case .text, .rawBytes:
            lines += [
                "    @_lifetime(copy self)",
                "    package func \(name)(_ index: Int) -> WireText { fields.text(\(at), index, count: \(field.quantifierOffset)) }",
            ]
        default:
            lines.append(
                "    package func \(name)(_ index: Int) -> Int32 { fields.int32(\(at), index, count: \(field.quantifierOffset)) }"
            )
        }
        return lines
    }

    private func setter(_ field: FieldShape) -> [String] {
        let name = field.swiftName
        let number = field.number
        let always = field.isOneof || field.isRepeated ? ", always: true" : ""
        switch field.kind {
        case .text, .rawBytes:
            return [
                "    package func \(name)(_ value: String) { writer.field(\(number), text: value\(always)) }",
                "    package func \(name)(_ value: RawSpan) { writer.field(\(number), bytes: value\(always)) }",
            ]
        case .message(let type):
            return [
                "    package func \(name)(_ build: (\(type)Builder) -> Void) { writer.field(\(number)) { build(\(type)Builder(into: writer)) } }"
            ]
        case .textMap:
            return [
                "    package func \(name)(_ key: String, _ value: String) { writer.field(\(number), key: key, value: value) }"
            ]
        case .enumeration:
            let type = field.enumeration?.swiftName ?? ""
            return [
                "    package func \(name)(_ value: \(type)) { writer.field(\(number), varint: UInt64(bitPattern: Int64(value.rawValue))\(always)) }"
            ]
        case .bool:
            return [
                "    package func \(name)(_ value: Bool) { writer.field(\(number), varint: value ? 1 : 0\(always)) }"
            ]
        case .int32:
            // One by one is legal for a packed field too: parsers take both forms.
            return [
                "    package func \(name)(_ value: Int32) { writer.field(\(number), varint: UInt64(bitPattern: Int64(value))\(always)) }"
            ]
        case .int64:
            return [
                "    package func \(name)(_ value: Int64) { writer.field(\(number), varint: UInt64(bitPattern: value)\(always)) }"
            ]
        case .uint32:
            return [
                "    package func \(name)(_ value: UInt32) { writer.field(\(number), varint: UInt64(value)\(always)) }"
            ]
        case .uint64:
            return [
                "    package func \(name)(_ value: UInt64) { writer.field(\(number), varint: value\(always)) }"
            ]
        case .double:
            return [
                "    package func \(name)(_ value: Double) { writer.field(\(number), double: value\(always)) }"
            ]
        case .float:
            return [
                "    package func \(name)(_ value: Float) { writer.field(\(number), float: value\(always)) }"
            ]
        }
    }

    private func scalar(_ kind: FieldShape.Kind) -> (type: String, reader: String, zero: String) {
        switch kind {
        case .bool: ("Bool", "bool", "false")
        case .int32: ("Int32", "int32", "0")
        case .int64: ("Int64", "int64", "0")
        case .uint32: ("UInt32", "uint32", "0")
        case .uint64: ("UInt64", "uint64", "0")
        case .double: ("Double", "double", "0")
        default: ("Float", "float", "0")
        }
    }

    private func capitalized(_ name: String) -> String {
        name.prefix(1).uppercased() + name.dropFirst()
    }
}
