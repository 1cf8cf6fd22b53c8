/// Writes a JSON object of scalars.
package struct JSONText: Sendable {
    package private(set) var text = "{"

    package init() {}

    /// The whole object; nothing can be added afterwards.
    package var finished: String { text + "}" }

    package mutating func add(_ key: String, _ value: String) {
        begin(key)
        Self.append(value, to: &text)
    }

    package mutating func add(_ key: String, _ value: Int64) {
        begin(key)
        text += "\(value)"
    }

    /// A finite number.
    package mutating func add(_ key: String, _ value: Double) {
        precondition(value.isFinite, "JSON has no such number")
        begin(key)
        text += "\(value)"
    }

    package mutating func add(_ key: String, _ value: Bool) {
        begin(key)
        text += value ? "true" : "false"
    }

    private mutating func begin(_ key: String) {
        if text.utf8.count > 1 { text += "," }
        Self.append(key, to: &text)
        text += ":"
    }

    private static func append(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            default:
                if scalar.value < 0x20 {
                    let digits = String(scalar.value, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    text.unicodeScalars.append(scalar)
                }
            }
        }
        text += "\""
    }
}
