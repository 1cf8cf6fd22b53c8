import CSimdJSON
import Primitives

/// A JSON value.
package enum JSONValue: Hashable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    /// In document order; a key may stand twice.
    case object([JSONMember])

    /// What people call its type.
    package var typeName: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .integer: "a whole number"
        case .double: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// A key and its value.
package struct JSONMember: Hashable, Sendable {
    package var key: String
    package var value: JSONValue

    package init(key: String, value: JSONValue) {
        self.key = key
        self.value = value
    }
}

/// Why a text is no JSON document.
package struct JSONError: Error, Hashable, Sendable {
    package var message: String
}

/// Reads JSON documents by simdjson; reuses its memory.
///
/// Confined to one thread.
@safe
package final class JSONReader {
    private let parser: OpaquePointer?

    package init() {
        unsafe parser = bowerbird_json_parser_new()
    }

    deinit {
        unsafe bowerbird_json_parser_free(parser)
    }

    /// One whole document, at most `Limits.jsonDepthMax` deep.
    package func parse(_ text: String) throws(JSONError) -> JSONValue {
        var text = text
        var nodes: UnsafePointer<bowerbird_json_node>?
        var count = 0
        let problem = text.withUTF8 { bytes in
            unsafe bowerbird_json_parse(
                parser,
                bytes.baseAddress,
                bytes.count,
                Limits.jsonDepthMax,
                &nodes,
                &count
            )
        }
        if let problem = unsafe problem {
            throw JSONError(message: unsafe String(cString: problem))
        }
        var next = 0
        return unsafe Self.value(UnsafeBufferPointer(start: nodes, count: count), &next)
    }

    /// The value that begins at `next`, which moves behind it.
    ///
    /// The depth was bounded by the parser.
    private static func value(
        _ nodes: UnsafeBufferPointer<bowerbird_json_node>,
        _ next: inout Int
    ) -> JSONValue {
        let node = unsafe nodes[next]
        next += 1
        switch unsafe bowerbird_json_kind(node.kind) {
        case BOWERBIRD_JSON_BOOL: return .boolean(unsafe node.integer != 0)
        case BOWERBIRD_JSON_INTEGER: return .integer(unsafe node.integer)
        case BOWERBIRD_JSON_DOUBLE: return .double(unsafe node.number)
        case BOWERBIRD_JSON_STRING: return .string(unsafe text(node))
        case BOWERBIRD_JSON_ARRAY:
            var items: [JSONValue] = []
            for _ in 0..<(unsafe node.children) { items.append(unsafe value(nodes, &next)) }
            return .array(items)
        case BOWERBIRD_JSON_OBJECT:
            var members: [JSONMember] = []
            for _ in 0..<(unsafe node.children) {
                let key = unsafe text(nodes[next])
                next += 1
                members.append(JSONMember(key: key, value: unsafe value(nodes, &next)))
            }
            return .object(members)
        default: return .null
        }
    }

    private static func text(_ node: bowerbird_json_node) -> String {
        let bytes = unsafe UnsafeRawBufferPointer(start: node.text, count: node.length)
        return unsafe String(decoding: bytes, as: UTF8.self)
    }
}
