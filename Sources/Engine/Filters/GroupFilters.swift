import Primitives
import Resources
import Synchronization

/// What the filters of one group share: compiled expressions, indexes of columns, event types.
///
/// Any thread; each lock is held for one look-up.
package final class GroupFilters: Sendable {
    /// A value of a text column that requests have asked for.
    private struct ValueKey: Hashable {
        let layout: UInt64
        let place: Int
        let text: ExactText
    }

    private let compiled = Mutex(Kept<ExactText, CompiledFilter>())
    private let values = Mutex(Kept<ValueKey, ItemSet>())
    package let numbers: NumberIndexes
    private let types: Mutex<IdentifierTable>

    init(hash: StableHash, numberIndexing: NumberIndexing) {
        numbers = NumberIndexes(numberIndexing)
        types = Mutex(IdentifierTable(hash: hash))
    }

    /// The compiled form of an expression: the kept one, or what `check` and compilation make.
    ///
    /// `root` is one that it will be asked with.
    package func filter(
        _ expression: String,
        root: GroupRoot,
        check: () throws(FilterErrors) -> CheckedFilter
    ) throws(FilterErrors) -> CompiledFilter {
        let key = ExactText(text: expression)
        let known = compiled.withLock { $0[key] }
        if let known, known.layout == root.layout { return known }
        let made = CompiledFilter(try check(), layout: root.layout)
        let setsMax = Limits.filterSetBytesMax / max(root.itemCount / 8, 1)
        compiled.withLock {
            $0.insert(
                made,
                key,
                maximum: Limits.compiledFiltersMax,
                weightMax: setsMax,
                weight: \.setCount
            )
        }
        return made
    }

    /// The items that have `text` among the parts of a column.
    func items(
        _ text: String,
        _ info: FilterColumnInfo,
        _ place: Int,
        _ root: GroupRoot
    ) -> ItemSet {
        let key = ValueKey(layout: root.layout, place: place, text: ExactText(text: text))
        return values.withLock { values in
            if let known = values[key] { return known }
            let test = ColumnTest(info, .texts([text], isNegated: false))
            let made = ItemSet(.column(test), isSparseAllowed: true)
            // A value of many items takes a bit an item, others four bytes an item.
            let bytesEach = max(root.itemCount / 8, 1)
            let maximum = max(
                Limits.indexedValuesMin,
                min(Limits.indexedValuesMax, Limits.valueIndexBytesMax / bytesEach)
            )
            values.insert(made, key, maximum: maximum)
            return made
        }
    }

    /// Bytes of all sets of items and indexes; the locks are held for a copy of the references.
    package var byteCount: Int {
        let sets = values.withLock { $0.values }
        let filters = compiled.withLock { $0.values }
        return numbers.byteCount + sets.reduce(0) { $0 + $1.byteCount }
            + filters.reduce(0) { $0 + $1.byteCount }
    }

    // MARK: Event types

    func nameEventType(_ name: String) {
        types.withLock { _ = $0.insert(name) }
    }

    /// By index of a type whether its folded name passes.
    func eventTypes(_ passes: (String) -> Bool) -> [Bool] {
        types.withLock { types in (0..<types.count).map { passes(types[UInt32($0)]) } }
    }
}

/// The values that were asked for last.
private struct Kept<Key: Hashable, Value> {
    private var entries: [Key: (value: Value, usedAt: UInt64)] = [:]
    private var time: UInt64 = 0

    var values: [Value] { entries.values.map(\.value) }

    subscript(key: Key) -> Value? {
        mutating get {
            time += 1
            entries[key]?.usedAt = time
            return entries[key]?.value
        }
    }

    /// Forgets a quarter, those that were not asked for longest, when there are `maximum` of them
    /// or they would weigh more than `weightMax`.
    mutating func insert(
        _ value: Value,
        _ key: Key,
        maximum: Int,
        weightMax: Int = .max,
        weight: (Value) -> Int = { _ in 0 }
    ) {
        var sum = entries.values.reduce(weight(value)) { $0 + weight($1.value) }
        if entries.count >= maximum || sum > weightMax {
            for (key, entry) in entries.sorted(by: { $0.value.usedAt < $1.value.usedAt }) {
                let isFew = entries.count <= maximum - maximum / 4
                if isFew, sum <= weightMax - weightMax / 4 { break }
                sum -= weight(entry.value)
                entries[key] = nil
            }
        }
        time += 1
        entries[key] = (value, time)
    }
}
