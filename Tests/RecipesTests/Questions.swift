import Primitives
import Recipes
import Testing

/// All of `count` items as candidates.
func all(_ count: Int) -> ItemBitmap {
    var bitmap = ItemBitmap()
    for index in 0..<count { bitmap.insert(index) }
    return bitmap
}

/// An event on an item.
func entry(_ item: Int, at milliseconds: Int64) -> Interaction {
    Interaction(
        item: ItemIndex(UInt32(item)),
        type: EventTypeIndex(0),
        occurredAt: Timestamp(milliseconds: milliseconds)
    )
}

/// Components and shares of an explanation each add up to the item's score.
func expectSums(
    of found: ScoreExplanation,
    toBe score: Double,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let bound = 1e-4 * max(1, abs(score))
    #expect(abs(found.sum - score) < bound, "\(found)", sourceLocation: sourceLocation)
    let shares = found.shares.reduce(0) { $0 + $1.amount }
    #expect(abs(shares - score) < bound, "\(found)", sourceLocation: sourceLocation)
}
