package import Primitives

/// What the items of a group share, as one request sees it: immutable.
///
/// A batch that changes items makes a new root from the old one; unchanged parts are shared.
package final class GroupRoot: Sendable {
    /// Items that have an index; each below it has an id here.
    package let itemCount: Int
    /// Items that may be recommended.
    package let candidates: ItemBitmap
    package let candidateCount: Int
    let ids: [ItemIDChunk]
    let records: [ItemRecordChunk]
    /// What filters read.
    package let columns: ItemColumns
    /// Grows when a schema changes otherwise than by more columns at its end: whatever knows
    /// columns by place is to be made again.
    package let layout: UInt64

    /// Events on these items at or below the position count no more.
    package let itemDeletions: [ItemIndex: LogPosition]

    init(
        itemCount: Int = 0,
        candidates: ItemBitmap = ItemBitmap(),
        candidateCount: Int = 0,
        ids: [ItemIDChunk] = [],
        records: [ItemRecordChunk] = [],
        columns: ItemColumns = .empty,
        layout: UInt64 = 0,
        itemDeletions: [ItemIndex: LogPosition] = [:]
    ) {
        self.itemCount = itemCount
        self.candidates = candidates
        self.candidateCount = candidateCount
        self.ids = ids
        self.records = records
        self.columns = columns
        self.layout = layout
        self.itemDeletions = itemDeletions
    }

    /// The id of an item below `itemCount`.
    package func id(of item: ItemIndex) -> String {
        let index = Int(item.rawValue)
        return ids[index / ItemIDChunk.capacity].ids[index % ItemIDChunk.capacity]
    }

    /// Chunks of `ItemColumn.chunkItems` items.
    var columnChunkCount: Int {
        (itemCount + ItemColumn.chunkItems - 1) / ItemColumn.chunkItems
    }

    /// The items of a chunk of the columns, by index.
    func items(ofColumnChunk chunk: Int) -> Range<Int> {
        let first = chunk * ItemColumn.chunkItems
        return first..<min(first + ItemColumn.chunkItems, itemCount)
    }

    /// What was put for an item; `nil` when it is known only from events.
    package func record(of item: ItemIndex) -> EntityRecord? {
        let index = Int(item.rawValue)
        return records[index / ItemIDChunk.capacity].records[index % ItemIDChunk.capacity]
    }
}

/// The ids of up to 256 items in order; full chunks are shared by all later roots.
///
/// A chunk is copied when one of its items changes, references and all: in chunks as long as those
/// of the columns, ten scattered items of 100,000 cost milliseconds.
final class ItemIDChunk: Sendable {
    static let capacity = 256
    let ids: [String]

    init(ids: [String]) {
        self.ids = ids
    }
}

/// The records of as many items; copied when one of them changes.
final class ItemRecordChunk: Sendable {
    let records: [EntityRecord?]

    init(records: [EntityRecord?]) {
        self.records = records
    }
}
