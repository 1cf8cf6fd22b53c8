package import Primitives
package import Resources

/// Where the next page of a list begins: after a name, sealed against change.
///
/// The text is `{seal}.{name}`; the seal is a keyed hash of the list and the name, so a token that
/// was altered, or made for another list, is refused. Tokens outlive restarts.
package struct PageToken: Sendable {
    private let hash: StableHash

    /// - Parameter hash: Keyed by the data directory.
    package init(hash: StableHash) {
        self.hash = hash
    }

    /// The token for what comes after `name` of `list`, such as `campaigns of datasetGroups/shop`.
    package func text(list: String, after name: String) -> String {
        String(seal(list, name), radix: 16) + "." + name
    }

    /// The name that the page begins after; empty for the first page.
    package func name(in text: String, list: String) throws(Refusal) -> String {
        guard !text.isEmpty else { return "" }
        if let dot = text.firstIndex(of: ".") {
            let name = String(text[text.index(after: dot)...])
            if text == self.text(list: list, after: name) { return name }
        }
        throw .invalid("page_token", "is not one that this list returned")
    }

    private func seal(_ list: String, _ name: String) -> UInt64 {
        hash.hash(list + "\u{0}" + name)
    }
}
