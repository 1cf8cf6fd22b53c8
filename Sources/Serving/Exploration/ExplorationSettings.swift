import Primitives

/// How much a campaign explores, as its `item_exploration_config` says.
package struct ExplorationSettings: Hashable, Sendable {
    /// Of all slots, on average, at weight 1.
    static let shareMax: Float = 0.25
    static let millisecondsPerDay = 86_400_000.0

    /// 0: not at all; 1: a quarter of all slots.
    package var weight: Float
    /// Items that are older than this, counted back from the newest event, are not explored.
    package var itemAgeMaxMS: Int64

    package init(weight: Float, itemAgeMaxMS: Int64) {
        self.weight = weight
        self.itemAgeMaxMS = itemAgeMaxMS
    }

    /// What the texts of a campaign's settings say; absent ones have Personalize's defaults, 0.3
    /// and 30 days.
    ///
    /// They were checked when the campaign was made.
    package init(_ config: [String: String]) {
        weight = config["explorationWeight"].flatMap { Float($0) } ?? 0.3
        let days = config["explorationItemAgeCutOff"].flatMap { Double($0) } ?? 30
        itemAgeMaxMS = Int64(min(days * Self.millisecondsPerDay, 1e15))
    }

    /// The probability that slot `slot` of `count` explores.
    ///
    /// 0 for the first and growing evenly, so that what is known best stays where it is seen most;
    /// a quarter of the weight on average.
    func probability(slot: Int, of count: Int) -> Float {
        let share = Self.shareMax * weight
        return count > 1 ? 2 * share * Float(slot) / Float(count - 1) : share
    }
}
