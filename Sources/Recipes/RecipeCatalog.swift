/// The recipes of this server.
package enum RecipeCatalog {
    /// What a recipe needs from a request.
    package enum Kind: Hashable, Sendable {
        case userPersonalization
        case popularItems
    }

    /// A recipe with what people are told of it.
    package struct Entry: Sendable {
        package let recipe: any Recipe
        package let kind: Kind
        package let description: String
    }

    package static let all: [Entry] = [
        Entry(
            recipe: PopularityCount(),
            kind: .popularItems,
            description: "The items that the most distinct users touched."
        ),
        Entry(
            recipe: UserPersonalization(),
            kind: .userPersonalization,
            description: "What tends to follow this history, with recent popularity behind it; "
                + "learns with every event."
        ),
    ]

    package static func entry(_ identifier: String) -> Entry? {
        all.first { $0.recipe.identifier == identifier }
    }
}
