/// The recipes of this server.
package enum RecipeCatalog {
    /// What a recipe needs from a request.
    package enum Kind: Hashable, Sendable {
        case userPersonalization
        case popularItems
        case personalizedRanking
        case relatedItems
    }

    /// A recipe with what people are told of it.
    package struct Entry: Sendable {
        package let recipe: any Recipe
        package let kind: Kind
        package let description: String

        package init(recipe: any Recipe, kind: Kind, description: String) {
            self.recipe = recipe
            self.kind = kind
            self.description = description
        }
    }

    package static let all: [Entry] =
        [
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
            Entry(
                recipe: RenamedRecipe(
                    identifier: "user-personalization-v2",
                    of: UserPersonalization()
                ),
                kind: .userPersonalization,
                description: "The same as user-personalization."
            ),
        ] + rankings + related + [
            Entry(
                recipe: TrendingNow(),
                kind: .popularItems,
                description: "The items whose events grew most over the last two windows of time; "
                    + "popular ones behind them. Moves with every event."
            )
        ]

    private static let rankings: [Entry] = [
        "personalized-ranking", "personalized-ranking-v2",
    ].map { identifier in
        Entry(
            recipe: RenamedRecipe(identifier: identifier, of: UserPersonalization()),
            kind: .personalizedRanking,
            description: "Orders given items by what user-personalization thinks of them."
        )
    }

    private static let related: [Entry] = [
        Entry(
            recipe: ItemSimilarity(.similarItems),
            kind: .relatedItems,
            description: "The items that stand near an item in the same histories; popular ones "
                + "behind them. Learns with every event."
        ),
        Entry(
            recipe: ItemSimilarity(.sims),
            kind: .relatedItems,
            description: "The same by counts that popularity discounts, where they are large "
                + "enough."
        ),
    ]

    package static func entry(_ identifier: String) -> Entry? {
        all.first { $0.recipe.identifier == identifier }
    }
}
