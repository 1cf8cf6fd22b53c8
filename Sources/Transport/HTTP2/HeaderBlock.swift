/// The fields of one header block in order, names in lower case, pseudo-headers first.
///
/// Values are bytes: HTTP/2 promises no encoding. A block received from a peer was bounded by
/// `Limits.headerListBytesMax` before it got here.
package struct HeaderBlock: Sendable {
    package struct Field: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package private(set) var fields: [Field]

    package init(_ fields: [Field] = []) {
        self.fields = fields
    }

    package mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// The first value of `name`, which is given in lower case.
    package func first(_ name: String) -> String? {
        fields.first { $0.name == name }?.value
    }
}
