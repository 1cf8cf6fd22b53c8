/// The parameters of the recipes by Personalize's names: which there are, what they may be, and
/// whether a model of this server reads them.
package struct Hyperparameter: Hashable, Sendable {
    package enum Allowed: Hashable, Sendable {
        case integer(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        case boolean
        case choice([String])
    }

    package let name: String
    package let allowed: Allowed
    /// Whether it means anything to the models of this server.
    package let isRead: Bool
    /// Personalize takes it among the featurization parameters.
    package let isFeaturization: Bool

    private init(
        _ name: String,
        _ allowed: Allowed,
        isRead: Bool = false,
        isFeaturization: Bool = false
    ) {
        self.name = name
        self.allowed = allowed
        self.isRead = isRead
        self.isFeaturization = isFeaturization
    }

    /// Whether a text is a value of it.
    package func accepts(_ text: String) -> Bool {
        switch allowed {
        case .integer(let range): Int(text).map { range.contains($0) } ?? false
        case .number(let range): Double(text).map { range.contains($0) } ?? false
        case .boolean: text == "true" || text == "false"
        case .choice(let texts): texts.contains(text)
        }
    }

    /// What it accepts, in words.
    package var range: String {
        switch allowed {
        case .integer(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .boolean: "true or false"
        case .choice(let texts): texts.joined(separator: ", ")
        }
    }

    /// Those of a recipe.
    package static func all(of recipe: String) -> [Hyperparameter] {
        switch recipe {
        case "user-personalization", "personalized-ranking":
            [
                Hyperparameter("hidden_dimension", .integer(32...256)),
                Hyperparameter("bptt", .integer(2...32)),
                Hyperparameter("recency_mask", .boolean),
                share("min_user_history_length_percentile"),
                share("max_user_history_length_percentile"),
            ]
        case "user-personalization-v2", "personalized-ranking-v2":
            [Hyperparameter("apply_recency_bias", .boolean)]
        case "similar-items":
            [
                Hyperparameter("item_id_hidden_dim", .integer(30...200)),
                Hyperparameter("item_metadata_hidden_dim", .integer(30...200)),
                Hyperparameter("popularity_discount_factor", .number(0...1), isRead: true),
            ]
        case "sims":
            [
                Hyperparameter("popularity_discount_factor", .number(0...1), isRead: true),
                Hyperparameter("min_cointeraction_count", .integer(0...10), isRead: true),
                share("min_user_history_length_percentile"),
                share("max_user_history_length_percentile"),
                share("min_item_interaction_count_percentile"),
                share("max_item_interaction_count_percentile"),
            ]
        case "trending-now":
            [
                Hyperparameter(
                    "trend_discovery_frequency",
                    .choice(windows.map(\.text)),
                    isRead: true,
                    isFeaturization: true
                )
            ]
        default: []
        }
    }

    private static func share(_ name: String) -> Hyperparameter {
        Hyperparameter(name, .number(0...1), isFeaturization: true)
    }

    /// The texts of `trend_discovery_frequency`.
    static let windows: [(text: String, milliseconds: Int64)] = [
        ("30 minutes", 1_800_000), ("1 hour", 3_600_000), ("2 hours", 7_200_000),
        ("3 hours", 10_800_000), ("1 day", 86_400_000),
    ]
}

extension RecipeCatalog {
    /// The recipe of an identifier with parameters that were checked; those that it does not read
    /// change nothing.
    package static func recipe(
        _ identifier: String,
        parameters: [String: String]
    ) -> (any Recipe)? {
        let discount = parameters["popularity_discount_factor"].flatMap { Float($0) }
        switch identifier {
        case "similar-items":
            return ItemSimilarity(.similarItems(popularityDiscountFactor: discount ?? 0))
        case "sims":
            var sims = ItemSimilarity.Parameters.sims
            sims.discount = discount ?? sims.discount
            let count = parameters["min_cointeraction_count"].flatMap { UInt32($0) }
            sims.minimumCount = count ?? sims.minimumCount
            return ItemSimilarity(sims)
        case "trending-now":
            let text = parameters["trend_discovery_frequency"]
            let window = Hyperparameter.windows.first { $0.text == text }
            return TrendingNow(windowMS: window?.milliseconds ?? TrendingNow.defaultWindowMS)
        default: return entry(identifier)?.recipe
        }
    }
}
