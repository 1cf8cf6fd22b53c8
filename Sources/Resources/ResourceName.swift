/// The full name of a resource, such as `datasetGroups/shop/campaigns/home`.
///
/// A value of this type has the form of its kind; it may name something that does not exist.
package struct ResourceName: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package init(unchecked text: String) {
        self.text = text
    }

    package var description: String { text }

    package static func datasetGroup(_ group: String) -> Self {
        Self(unchecked: "datasetGroups/\(group)")
    }

    package static func schema(_ schema: String) -> Self {
        Self(unchecked: "schemas/\(schema)")
    }

    package static func recipe(_ recipe: String) -> Self {
        Self(unchecked: "recipes/\(recipe)")
    }

    /// The name of a child, `{self}/{collection}/{label}`.
    package func child(_ collection: String, _ label: String) -> Self {
        Self(unchecked: "\(text)/\(collection)/\(label)")
    }

    /// The name without its last collection and label; `nil` for a top-level resource.
    package var parent: Self? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 2 else { return nil }
        return Self(unchecked: parts.dropLast(2).joined(separator: "/"))
    }

    /// The label after the last `/`.
    package var label: String {
        text.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init) ?? text
    }
}
