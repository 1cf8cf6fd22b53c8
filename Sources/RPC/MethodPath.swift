/// The two names of a `:path`, `/package.Service/Method`.
package struct MethodPath: Hashable, Sendable {
    package let service: Substring
    package let method: Substring

    /// Nil when `path` has not exactly this shape.
    package init?(_ path: String) {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        let names = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard names.count == 2, !names[0].isEmpty, !names[1].isEmpty else { return nil }
        service = names[0]
        method = names[1]
    }
}
