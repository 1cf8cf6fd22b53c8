import Primitives
import Resources

/// What a column of the items' records holds.
enum ItemColumnKind: Hashable, Sendable {
    /// Texts by code; multi-valued ones are split at `|`.
    case text(isMultiValued: Bool)
    /// Numbers, booleans as 0 and 1, or instants in milliseconds.
    case number
    /// Free text, which stays in the record.
    case none

    /// An open schema does not say which texts are categories: all may be.
    init(_ field: SchemaField, isOpen: Bool) {
        switch field.type {
        case .string:
            self = field.isTextual ? .none : .text(isMultiValued: field.isCategorical || isOpen)
        case .int, .long, .float, .double, .boolean: self = .number
        }
    }
}

/// One column of all items as one request sees it: immutable, in chunks of 4,096 items.
///
/// Chunks that did not change are shared with the columns before and after it.
final class ItemColumn: Sendable {
    static let chunkItems = 4_096
    /// 64 words of a bitmap cover a chunk.
    static let chunkWords = chunkItems / 64

    let kind: ItemColumnKind
    /// Of a text column.
    let dictionary: CellDictionary?
    /// By chunk, of a text column; 0 is null.
    let codes: [[UInt32]]
    /// By chunk, of a number column; NaN is null.
    let numbers: [[Double]]
    /// By chunk, of a number column: the integers themselves where `numbers` rounds any of them, 0
    /// for a null; empty where it rounds none.
    let wholes: [[Int64]]
    /// By chunk: the publication that changed it last.
    let versions: [UInt64]
    /// The publication that changed any chunk last.
    let version: UInt64

    init(
        kind: ItemColumnKind,
        dictionary: CellDictionary? = nil,
        codes: [[UInt32]] = [],
        numbers: [[Double]] = [],
        wholes: [[Int64]] = [],
        versions: [UInt64] = [],
        version: UInt64 = 0
    ) {
        self.kind = kind
        self.dictionary = dictionary
        self.codes = codes
        self.numbers = numbers
        self.wholes = wholes
        self.versions = versions
        self.version = version
    }
}

/// The columns of a group's items, published with its root.
package final class ItemColumns: Sendable {
    /// In the order of the items schema's own columns.
    let own: [ItemColumn]
    /// `CREATION_TIMESTAMP` in milliseconds.
    let createdAt: ItemColumn

    init(own: [ItemColumn], createdAt: ItemColumn) {
        self.own = own
        self.createdAt = createdAt
    }

    /// A column by its place among the schema's own; `nil` is `CREATION_TIMESTAMP`.
    func column(_ place: Int?) -> ItemColumn {
        guard let place else { return createdAt }
        return place < own.count ? own[place] : Self.missing
    }

    private static let missing = ItemColumn(kind: .none)

    static let empty = ItemColumns(own: [], createdAt: ItemColumn(kind: .number))

    /// Bytes of codes and numbers, without the dictionaries.
    package var bytes: Int {
        (own + [createdAt]).reduce(0) { sum, column in
            sum + column.codes.reduce(0) { $0 + $1.count * 4 }
                + (column.numbers.map(\.count) + column.wholes.map(\.count)).reduce(0, +) * 8
        }
    }
}
