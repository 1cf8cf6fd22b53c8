/// Why bytes were not taken as a message.
package struct WireError: Error, Hashable, Sendable {
    package enum Code: Hashable, Sendable {
        /// The bytes are no message of the type.
        case malformed
        /// Decoded, the message would be larger than `Limits.decodedMessageBytesMax`.
        case tooLarge
        /// A text field is not UTF-8, or has a NUL in it.
        case badText
    }

    package var code: Code
    /// The path of the field, such as `event_list[3].item_id`; empty when the whole is meant.
    package var field: String
    package var message: String

    package init(_ code: Code, field: String = "", _ message: String) {
        self.code = code
        self.field = field
        self.message = message
    }
}
