import Primitives

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
