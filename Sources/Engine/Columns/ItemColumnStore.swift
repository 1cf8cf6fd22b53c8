import Primitives
import Resources

/// The writer's copy of the item columns, and what of them was published.
///
/// Confined to the writer's thread. A publication shares the arrays of all chunks; the next change
/// of a chunk copies its 4,096 values, 16 or 32 KiB.
final class ItemColumnStore {
    private let hash: StableHash
    private var own: [Column] = []
    private var createdAt: Column
    private var fields: [SchemaField] = []
    private var itemCount = 0
    private var publication: UInt64 = 0
    private var isLayoutStale = false
    private(set) var published = ItemColumns.empty

    init(hash: StableHash) {
        self.hash = hash
        createdAt = Column(kind: .number, hash: hash)
    }

    /// Follows the items schema: new columns at its end are null for all items so far; with any
    /// other change all columns are read anew from the records.
    func follow(_ newFields: [SchemaField], isOpen: Bool, records: [[EntityRecord?]]) {
        let kinds = newFields.map { ItemColumnKind($0, isOpen: isOpen) }
        guard newFields != fields || kinds != own.map(\.kind) else { return }
        // An item's record may be longer than the schema was: then the new columns have values.
        let isExtension =
            kinds.count >= own.count && own.indices.allSatisfy { own[$0].kind == kinds[$0] }
            && newFields.prefix(fields.count).elementsEqual(fields)
        fields = newFields
        isLayoutStale = true
        if !isExtension { own = [] }
        let known = own.count
        for kind in kinds.dropFirst(known) {
            var column = Column(kind: kind, hash: hash)
            for _ in 0..<itemCount { column.append() }
            own.append(column)
        }
        for (item, record) in records.joined().enumerated() {
            guard let values = record?.properties.values, values.count > known else { continue }
            let (chunk, slot) = item.quotientAndRemainder(dividingBy: ItemColumn.chunkItems)
            for place in known..<min(values.count, own.count) {
                own[place].set(chunk, slot, values[place])
            }
        }
    }

    /// One more item, all null.
    func append() {
        itemCount += 1
        for place in own.indices { own[place].append() }
        createdAt.append()
    }

    /// The values of a record, or all null without one.
    func set(_ item: ItemIndex, _ record: EntityRecord?) {
        let chunk = Int(item.rawValue) / ItemColumn.chunkItems
        let slot = Int(item.rawValue) % ItemColumn.chunkItems
        let values = record?.properties.values ?? []
        for place in own.indices {
            own[place].set(chunk, slot, place < values.count ? values[place] : .null)
        }
        createdAt.set(
            chunk,
            slot,
            record?.createdAt.map { .integer($0.milliseconds) } ?? .null
        )
    }

    /// All null.
    func clear() {
        for item in 0..<itemCount { set(ItemIndex(UInt32(item)), nil) }
    }

    /// What readers see from now on; the same object when nothing changed.
    func publish() -> ItemColumns {
        publication += 1
        var isChanged = isLayoutStale
        for place in own.indices where own[place].publish(publication) { isChanged = true }
        if createdAt.publish(publication) { isChanged = true }
        guard isChanged else { return published }
        isLayoutStale = false
        published = ItemColumns(
            own: own.map(\.published),
            createdAt: createdAt.published
        )
        return published
    }

    /// Chunks that were not changed since are shared with readers.
    var byteCount: Int { own.reduce(createdAt.byteCount) { $0 + $1.byteCount } }

    /// One column as the writer has it.
    private struct Column {
        let kind: ItemColumnKind
        private let dictionary: CellDictionary?
        private var codes: [[UInt32]] = []
        private var numbers: [[Double]] = []
        private var wholes: [[Int64]] = []
        private var versions: [UInt64] = []
        private var changed: Set<Int> = []
        private var count = 0
        private(set) var published: ItemColumn

        init(kind: ItemColumnKind, hash: StableHash) {
            self.kind = kind
            if case .text(let isMultiValued) = kind {
                dictionary = CellDictionary(isMultiValued: isMultiValued, hash: hash)
            } else {
                dictionary = nil
            }
            published = ItemColumn(kind: kind, dictionary: dictionary)
        }

        var byteCount: Int {
            codes.reduce(0) { $0 + $1.capacity * 4 }
                + (numbers.map(\.capacity) + wholes.map(\.capacity)).reduce(0, +) * 8
                + (dictionary?.byteCount ?? 0)
        }

        mutating func append() {
            if count % ItemColumn.chunkItems == 0 {
                versions.append(0)
                switch kind {
                case .text: codes.append([])
                case .number:
                    numbers.append([])
                    wholes.append([])
                case .none: break
                }
            }
            count += 1
            switch kind {
            case .text: codes[codes.count - 1].append(0)
            case .number:
                let chunk = numbers.count - 1
                numbers[chunk].append(.nan)
                if !wholes[chunk].isEmpty { wholes[chunk].append(0) }
            case .none: break
            }
            changed.insert(versions.count - 1)
        }

        mutating func set(_ chunk: Int, _ slot: Int, _ value: PropertyValue) {
            switch kind {
            case .text:
                var code: UInt32 = 0
                if case .string(let text) = value, let dictionary {
                    code = dictionary.insert(text)
                }
                guard codes[chunk][slot] != code else { return }
                codes[chunk][slot] = code
            case .number:
                let isChanged = set(chunk, slot, number: Self.number(value))
                // Where numbers are rounded, equal ones may stand for different ones.
                let isOther = set(chunk, slot, whole: Self.whole(value))
                guard isChanged || isOther else { return }
            case .none: break
            }
            changed.insert(chunk)
        }

        /// Whether that is another number; a chunk that is shared is copied only then.
        private mutating func set(_ chunk: Int, _ slot: Int, number: Double) -> Bool {
            let old = numbers[chunk][slot]
            if old == number || (old.isNaN && number.isNaN) { return false }
            numbers[chunk][slot] = number
            return true
        }

        /// Whether that is another integer, in a chunk that keeps them: from the first one on that
        /// its number does not equal.
        private mutating func set(_ chunk: Int, _ slot: Int, whole: Int64) -> Bool {
            if wholes[chunk].isEmpty {
                if whole == 0 || Int64(exactly: Double(whole)) == whole { return false }
                // A column of integers holds nothing else.
                wholes[chunk] = numbers[chunk].map { Int64(exactly: $0) ?? 0 }
            }
            if wholes[chunk][slot] == whole { return false }
            wholes[chunk][slot] = whole
            return true
        }

        /// Drops the integers of a chunk where no number is rounded any more.
        private mutating func dropWholes(_ chunk: Int) {
            let isRounding = wholes[chunk].contains { Int64(exactly: Double($0)) != $0 }
            if !isRounding { wholes[chunk] = [] }
        }

        private static func number(_ value: PropertyValue) -> Double {
            switch value {
            case .integer(let whole): Double(whole)
            case .double(let number): number
            case .boolean(let flag): flag ? 1 : 0
            case .null, .string: .nan
            }
        }

        private static func whole(_ value: PropertyValue) -> Int64 {
            if case .integer(let whole) = value { whole } else { 0 }
        }

        /// Whether anything changed since the last publication.
        mutating func publish(_ publication: UInt64) -> Bool {
            guard !changed.isEmpty else { return false }
            for chunk in changed {
                versions[chunk] = publication
                if kind == .number { dropWholes(chunk) }
            }
            changed = []
            published = ItemColumn(
                kind: kind,
                dictionary: dictionary,
                codes: codes,
                numbers: numbers,
                wholes: wholes,
                versions: versions,
                version: publication
            )
            return true
        }
    }
}
