package import Transport

/// The fields that an application sends beside its messages, in order.
///
/// Names are lower case; a name that ends in `-bin` carries bytes, any other printable ASCII.
/// Pseudo-headers and the names that gRPC keeps for itself are never seen here.
package struct Metadata: Sendable, Hashable {
    package private(set) var fields: [HeaderBlock.Field]

    package init() {
        fields = []
    }

    package var isEmpty: Bool { fields.isEmpty }

    /// What the peer's application sent in `block`.
    package init(received block: HeaderBlock) {
        fields = block.fields.filter { !Self.isReserved($0.name) }
    }

    /// The first text value of `name`.
    package func text(_ name: String) -> String? {
        fields.first { $0.name == name }?.value
    }

    /// All text values of `name`, in order.
    package func texts(_ name: String) -> [String] {
        fields.filter { $0.name == name }.map(\.value)
    }

    /// All byte values of a `-bin` name, whether repeated or joined by commas.
    ///
    /// Nil when one of them is not base64.
    package func binaries(_ name: String) -> [[UInt8]]? {
        var values: [[UInt8]] = []
        for text in texts(name) {
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                guard let bytes = Base64.decode(Self.trimmed(part)) else { return nil }
                values.append(bytes)
            }
        }
        return values
    }

    /// Adds a text value.
    ///
    /// The name is the program's own, so a reserved or `-bin` name traps; a value that is not
    /// printable ASCII is refused, because the peer would end the stream over it.
    package mutating func add(_ name: String, text: String) -> Bool {
        precondition(Self.isUsable(name) && !name.hasSuffix("-bin"), "bad metadata name")
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 <= 0x7E }) else { return false }
        fields.append(HeaderBlock.Field(name: name, value: text))
        return true
    }

    /// Adds a byte value under a name that ends in `-bin`.
    package mutating func add(_ name: String, binary: [UInt8]) {
        precondition(Self.isUsable(name) && name.hasSuffix("-bin"), "bad metadata name")
        fields.append(HeaderBlock.Field(name: name, value: Base64.encode(binary)))
    }

    package func encode(into block: inout HeaderBlock) {
        for field in fields {
            block.add(field.name, field.value)
        }
    }

    /// Whether `name` belongs to HTTP/2 or gRPC and not to the application.
    package static func isReserved(_ name: String) -> Bool {
        name.hasPrefix(":") || name.hasPrefix("grpc-") || name == "te" || name == "content-type"
    }

    private static func isUsable(_ name: String) -> Bool {
        !name.isEmpty && !isReserved(name)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    private static func trimmed(_ part: Substring) -> String {
        var part = part
        while part.first == " " { part.removeFirst() }
        while part.last == " " { part.removeLast() }
        return String(part)
    }
}
