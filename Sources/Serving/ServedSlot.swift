package import Primitives
package import Recipes

/// One place of an answer's list.
package struct ServedSlot: Hashable, Sendable {
    package var item: ItemIndex
    /// The model's sum; `nil` for an item that it did not rank.
    package var score: Float?
    package var reasons = Reasons()
    /// The probability of this item in this place, given those above it.
    package var propensity: Float = 1
    /// The question's promotion put it here.
    package var isPromoted = false

    package init(item: ItemIndex, score: Float?) {
        self.item = item
        self.score = score
    }

    /// As a model ranked it.
    package init(_ ranked: RankedItem) {
        self.init(item: ranked.item, score: ranked.score)
        reasons.insert(ranked.reason)
    }

    /// Why the item is here.
    package struct Reasons: Hashable, Sendable {
        /// Bit n is the reason with the raw value n.
        @usableFromInline var bits: UInt16 = 0

        package mutating func insert(_ reason: RankingReason) {
            if reason != .none { bits |= 1 << UInt16(reason.rawValue) }
        }

        /// The lowest first.
        @inlinable
        package func forEach(_ body: (RankingReason) -> Void) {
            var rest = bits
            while rest != 0 {
                if let reason = RankingReason(rawValue: UInt8(rest.trailingZeroBitCount)) {
                    body(reason)
                }
                rest &= rest - 1
            }
        }

        package func contains(_ reason: RankingReason) -> Bool {
            bits >> UInt16(reason.rawValue) & 1 == 1
        }
    }
}
