/// The place of a text in a method's request, named as the public protos name it.
///
/// `queries.campaign` is the field `campaign` of each message in the field `queries`. Reads the
/// wire form itself, so it sees what it looks for without unpacking the rest. O(bytes).
package struct FieldPath: Hashable, Sendable {
    private let numbers: [Int]

    /// `nil` when the request of `method` (`package.Service/Method`) has no such string.
    package init?(_ names: String, inRequestOf method: String) {
        guard var message = Descriptors.embedded.requestType(of: method) else { return nil }
        var numbers: [Int] = []
        let parts = names.split(separator: ".")
        for (index, name) in parts.enumerated() {
            guard let field = Descriptors.embedded.field(String(name), of: message) else {
                return nil
            }
            numbers.append(field.number)
            let isLast = index == parts.count - 1
            guard isLast == field.isText, isLast || field.message != nil else { return nil }
            message = field.message ?? ""
        }
        guard !numbers.isEmpty else { return nil }
        self.numbers = numbers
    }

    /// Every text at this place; `nil` when the bytes are no message.
    package func texts(in message: RawSpan) -> [String]? {
        var found: [String] = []
        return Self.collect(numbers[...], message, &found) ? found : nil
    }

    private static func collect(
        _ numbers: ArraySlice<Int>,
        _ message: RawSpan,
        _ found: inout [String]
    ) -> Bool {
        guard let number = numbers.first else { return true }
        var reader = WireReader(message)
        while let field = reader.next() {
            guard field.number == number, field.isDelimited else { continue }
            if numbers.count == 1 {
                found.append(field.text)
            } else if !collect(numbers.dropFirst(), field.bytes, &found) {
                return false
            }
        }
        return reader.isAtEnd
    }
}

/// What the descriptors say of requests and fields.
extension Descriptors {
    struct Field {
        let number: Int
        let isText: Bool
        /// The full name of the type of a message field.
        let message: String?
    }

    /// The full name of the message that `package.Service/Method` takes.
    func requestType(of method: String) -> String? {
        guard let slash = method.firstIndex(of: "/") else { return nil }
        let service = method[..<slash]
        let name = method[method.index(after: slash)...]
        for file in files where service.hasPrefix(file.package + ".") {
            var reader = unsafe WireReader(file.bytes.span.bytes)
            while let field = reader.next() {
                guard field.number == 6,
                    file.package + "." + Self.text(1, of: field.bytes) == service
                else { continue }
                var methods = WireReader(field.bytes)
                while let one = methods.next() {
                    guard one.number == 2, Self.text(1, of: one.bytes) == name else { continue }
                    return String(Self.text(2, of: one.bytes).dropFirst())
                }
            }
        }
        return nil
    }

    /// A field of a message that is declared at the top of a file.
    func field(_ name: String, of message: String) -> Field? {
        for file in files where message.hasPrefix(file.package + ".") {
            var reader = unsafe WireReader(file.bytes.span.bytes)
            while let declared = reader.next() {
                guard declared.number == 4,
                    file.package + "." + Self.text(1, of: declared.bytes) == message
                else { continue }
                var fields = WireReader(declared.bytes)
                while let field = fields.next() {
                    guard field.number == 2, Self.text(1, of: field.bytes) == name else { continue }
                    return Self.field(field.bytes)
                }
            }
        }
        return nil
    }

    private static func field(_ bytes: RawSpan) -> Field {
        var number = 0
        var type: UInt64 = 0
        var message: String?
        var reader = WireReader(bytes)
        while let field = reader.next() {
            switch field.number {
            case 3: number = Int(truncatingIfNeeded: field.value)
            case 5: type = field.value
            case 6: message = String(field.text.dropFirst())
            default: break
            }
        }
        // 9 is TYPE_STRING of google/protobuf/descriptor.proto, 11 is TYPE_MESSAGE.
        return Field(number: number, isText: type == 9, message: type == 11 ? message : nil)
    }

    private static func text(_ number: Int, of bytes: RawSpan) -> String {
        var reader = WireReader(bytes)
        while let field = reader.next() {
            if field.number == number { return field.text }
        }
        return ""
    }
}
