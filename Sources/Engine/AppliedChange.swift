package import Primitives
package import Resources

/// What an applied batch changed, in order, for whoever learns from it.
package enum AppliedChange: Sendable {
    /// A mutation's effects come next; their position.
    case began(LogPosition)
    case observed(GroupIndex, HistoryChange)
    case retracted(GroupIndex, HistoryChange)
    case itemCountGrew(GroupIndex, Int)
    /// An item's record is new or another one.
    case itemStored(GroupIndex, ItemIndex, createdAt: Timestamp?)
    /// An event, on `item` or on none, says what was shown: the items of an impression, or those of
    /// the list of that recommendation id.
    indirect case shown(GroupIndex, ItemIndex?, recommendationID: String, impression: [String])
    indirect case resourceStored(ResourceName, Resource)
    case resourceDeleted(ResourceName)
    /// The interactions of the group are gone.
    case interactionsDeleted(GroupIndex)
    /// Records of the group were deleted: nothing of them may stay in an artifact or on disk.
    case recordsErased(GroupIndex)
    /// A FULL import has replaced the bulk records of items of the group; no change of them was
    /// told.
    case itemsReplaced(GroupIndex)
    /// A FULL import has replaced the bulk interactions of the group; no change of them was told.
    case interactionsReplaced(GroupIndex)
}
