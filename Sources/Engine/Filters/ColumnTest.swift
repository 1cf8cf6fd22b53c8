import Primitives
import Resources
import Synchronization

/// A predicate on one item column whose right-hand side is known, over chunks of 4,096 items.
///
/// The negation of the predicate is the caller's: here a null never passes.
final class ColumnTest: Sendable {
    /// Among the schema's own columns; `nil` is `CREATION_TIMESTAMP`.
    let place: Int?
    let info: FilterColumnInfo
    let predicate: ResolvedPredicate
    /// The doubles that pass, of a predicate on numbers or nulls.
    private let ranges: DisjointRanges<Double>
    /// The integers that pass; made for the first chunk whose doubles are rounded.
    private let wholeRanges = Mutex<DisjointRanges<Int64>?>(nil)
    /// By code whether the text passes, where looking at codes is not faster; grows with the
    /// dictionary.
    private let verdicts = Mutex<[UInt8]>([])

    /// Texts up to which a comparison of codes each is faster than a table of all codes.
    private static let comparedTextsMax = 4

    /// Ranges up to which a pass over a chunk for each is faster than a search for each number.
    private static let scannedRangesMax = 256

    init(_ info: FilterColumnInfo, _ predicate: ResolvedPredicate) {
        if case .own(let place) = info.place { self.place = place } else { place = nil }
        self.info = info
        self.predicate = predicate
        let all: [ClosedRange<Double>] =
            switch predicate {
            case .numbers(let ranges, _): ranges.compactMap(\.doubles)
            case .anything: [-Double.infinity...Double.infinity]
            case .texts: []
            }
        ranges = DisjointRanges(all)
    }

    /// Sets the bits of the items of one chunk that pass, from word `start` on.
    ///
    /// A microsecond a chunk, half of it with an index of numbers, twice where doubles can't hold
    /// them.
    func fill(
        _ chunk: Int,
        _ root: GroupRoot,
        _ index: NumberIndex? = nil,
        into words: inout [UInt64],
        at start: Int
    ) {
        let column = root.columns.column(place)
        guard chunk < column.versions.count else { return }
        switch (column.kind, predicate) {
        case (.text, .texts(let texts, _)):
            fillTexts(texts, column, chunk, &words, start)
        case (.text, .anything):
            // All but code 0; what lies behind the last item has no meaning.
            var nulls = [UInt64](repeating: 0, count: ItemColumn.chunkWords)
            Words.equal(column.codes[chunk], 0, into: &nulls, at: 0)
            for (index, word) in nulls.enumerated() { words[start + index] |= ~word }
        case (.number, .numbers) where !column.wholes[chunk].isEmpty:
            fillWholes(column, chunk, &words, start)
        case (.number, .numbers), (.number, .anything):
            fillNumbers(column, chunk, index, &words, start)
        case (.none, _), (.text, .numbers), (.number, .texts):
            // Refused when the filter is checked.
            break
        }
    }

    private func fillNumbers(
        _ column: ItemColumn,
        _ chunk: Int,
        _ index: NumberIndex?,
        _ words: inout [UInt64],
        _ start: Int
    ) {
        guard ranges.all.count <= Self.scannedRangesMax else {
            return search(column.numbers[chunk], ranges, &words, start)
        }
        let slices = index?.slices(chunk, of: column)
        for bounds in ranges.all {
            if let slices {
                slices.fill(bounds, into: &words, at: start)
            } else {
                Words.range(column.numbers[chunk], bounds, into: &words, at: start)
            }
        }
    }

    /// Of a chunk that keeps its integers beside rounded numbers.
    private func fillWholes(
        _ column: ItemColumn,
        _ chunk: Int,
        _ words: inout [UInt64],
        _ start: Int
    ) {
        let ranges = wholeRanges.withLock { known in
            if let known { return known }
            var all: [ClosedRange<Int64>] = []
            if case .numbers(let ranges, _) = predicate { all = ranges.compactMap(\.wholes) }
            let made = DisjointRanges(all)
            known = made
            return made
        }
        var found = [UInt64](repeating: 0, count: ItemColumn.chunkWords)
        if ranges.all.count > Self.scannedRangesMax {
            search(column.wholes[chunk], ranges, &found, 0)
        } else {
            for bounds in ranges.all {
                Words.range(column.wholes[chunk], bounds, into: &found, at: 0)
            }
        }
        var known = [UInt64](repeating: 0, count: ItemColumn.chunkWords)
        Words.range(column.numbers[chunk], -.infinity ... .infinity, into: &known, at: 0)
        for index in found.indices { words[start + index] |= found[index] & known[index] }
    }

    private func search<Number>(
        _ numbers: [Number],
        _ ranges: DisjointRanges<Number>,
        _ words: inout [UInt64],
        _ start: Int
    ) {
        for (slot, number) in numbers.enumerated() where ranges.contains(number) {
            words[start + slot / 64] |= 1 << UInt64(slot % 64)
        }
    }

    private func fillTexts(
        _ texts: [String],
        _ column: ItemColumn,
        _ chunk: Int,
        _ words: inout [UInt64],
        _ start: Int
    ) {
        guard let dictionary = column.dictionary else { return }
        if !dictionary.isMultiValued && texts.count <= Self.comparedTextsMax {
            for text in texts {
                let code = dictionary.code(of: text)
                if code != 0 { Words.equal(column.codes[chunk], code, into: &words, at: start) }
            }
            return
        }
        let table = verdicts.withLock { table in
            dictionary.extend(&table, texts: texts)
            return table
        }
        Words.table(column.codes[chunk], table, into: &words, at: start)
    }
}
