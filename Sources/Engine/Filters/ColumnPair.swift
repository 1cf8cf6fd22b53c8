import Primitives
import Synchronization

/// A comparison of two columns of each item's own record, over chunks of 4,096 items.
///
/// A null on either side never passes; negation is the caller's. Numbers are compared by a kernel,
/// two microseconds a chunk, ten where doubles can't hold them. So are texts, by their numbers in
/// the dictionary of one of the columns: what a part of one is in the other is looked up once, when
/// it is new to the pair.
final class ColumnPair: Sendable {
    /// Of what is compared, among the schema's own; `nil` is `CREATION_TIMESTAMP`.
    let places: [Int?]
    private let left: Side
    private let right: Side
    private let relation: Relation
    private let matches = Mutex(PartMatches())

    private enum Side: Equatable {
        case column(Int?)
        case identifier

        init(_ info: FilterColumnInfo) {
            switch info.place {
            case .own(let place): self = .column(place)
            case .creationTimestamp: self = .column(nil)
            case .identifier: self = .identifier
            case .eventType, .eventValue, .timestamp:
                preconditionFailure("a column of items")
            }
        }
    }

    private enum Relation { case equal, less, lessOrEqual }

    /// `comparison` is not "not equal", which a null passes.
    init(_ info: FilterColumnInfo, _ comparison: FilterComparison, _ other: FilterColumnInfo) {
        let (first, second) = (Side(info), Side(other))
        switch comparison {
        case .equal: (left, relation, right) = (first, .equal, second)
        case .less: (left, relation, right) = (first, .less, second)
        case .lessOrEqual: (left, relation, right) = (first, .lessOrEqual, second)
        case .greater: (left, relation, right) = (second, .less, first)
        case .greaterOrEqual: (left, relation, right) = (second, .lessOrEqual, first)
        case .notEqual: preconditionFailure("the negation of equal")
        }
        places = [left, right].compactMap { side -> Int?? in
            if case .column(let place) = side { .some(place) } else { nil }
        }
    }

    /// Of what is known of texts.
    var byteCount: Int { matches.withLock { $0.byteCount } }

    /// Sets the bits of the items of one chunk that pass.
    func fill(_ chunk: Int, _ root: GroupRoot, into words: inout [UInt64]) {
        switch (left, right) {
        case (.identifier, .identifier):
            for index in words.indices { words[index] = .max }
        case (.identifier, .column(let place)), (.column(let place), .identifier):
            let column = root.columns.column(place)
            guard chunk < column.versions.count, let dictionary = column.dictionary else { return }
            let codes = column.codes[chunk]
            fill(Self.identifiers(chunk, root, in: dictionary), dictionary, codes, &words)
        case (.column(let first), .column(let second)):
            fill(root.columns.column(first), root.columns.column(second), chunk, &words)
        }
    }

    private func fill(
        _ first: ItemColumn,
        _ second: ItemColumn,
        _ chunk: Int,
        _ words: inout [UInt64]
    ) {
        guard chunk < first.versions.count, chunk < second.versions.count else { return }
        switch (first.kind, second.kind) {
        case (.number, .number):
            let left = Words.Numbers(values: first.numbers[chunk], wholes: first.wholes[chunk])
            let right = Words.Numbers(values: second.numbers[chunk], wholes: second.wholes[chunk])
            if relation != .less { Words.pairs(left, right, isEqual: true, into: &words) }
            if relation != .equal { Words.pairs(left, right, isEqual: false, into: &words) }
        case (.text, .text):
            guard let left = first.dictionary, let right = second.dictionary else { return }
            let known = matches.withLock { matches in
                matches.extend(left, right)
                return matches.numbers
            }
            let codes = first.codes[chunk]
            var parts = left.isMultiValued ? left.parts(ofCodes: codes) : PartLists(single: codes)
            for index in parts.numbers.indices {
                parts.numbers[index] = known[Int(parts.numbers[index])]
            }
            if left.isMultiValued {
                let others = right.parts(ofCodes: second.codes[chunk])
                parts.fillCommon(others, into: &words)
            } else {
                fill(parts.numbers, right, second.codes[chunk], &words)
            }
        case (.none, _), (.text, _), (.number, _):
            // Refused when the filter is checked.
            break
        }
    }

    /// Where a number of a part, one an item, is that of a part of the item's text.
    private func fill(
        _ numbers: [UInt32],
        _ dictionary: CellDictionary,
        _ codes: [UInt32],
        _ words: inout [UInt64]
    ) {
        if dictionary.isMultiValued {
            let lists = dictionary.parts(ofCodes: codes)
            PartLists(single: numbers).fillCommon(lists, into: &words)
        } else {
            Words.same(numbers, codes, into: &words)
        }
    }

    /// By item of a chunk the number of the part that its id is.
    private static func identifiers(
        _ chunk: Int,
        _ root: GroupRoot,
        in dictionary: CellDictionary
    ) -> [UInt32] {
        let items = root.items(ofColumnChunk: chunk)
        var numbers: [UInt32] = []
        numbers.reserveCapacity(items.count)
        for start in stride(from: items.lowerBound, to: items.upperBound, by: 256) {
            let ids = (start..<min(start + 256, items.upperBound)).map {
                root.id(of: ItemIndex(UInt32($0)))
            }
            numbers.append(contentsOf: dictionary.numbers(ofParts: ids))
        }
        return numbers
    }
}

/// By number of a part in one dictionary its number in another, 0 where that lacks it.
private struct PartMatches {
    /// The first is that of a null.
    private(set) var numbers: [UInt32] = [0]
    private var otherCount = 0

    /// Parts that are looked up at once, so that no lock is held for long.
    private static let step = 256

    var byteCount: Int { numbers.capacity * 4 }

    /// Looks up what is new to either side; both may grow meanwhile.
    mutating func extend(_ left: CellDictionary, _ right: CellDictionary) {
        while numbers.count - 1 < left.partCount {
            let texts = left.parts(after: numbers.count - 1, maximum: Self.step)
            numbers.append(contentsOf: right.numbers(ofParts: texts))
        }
        while otherCount < right.partCount {
            let texts = right.parts(after: otherCount, maximum: Self.step)
            for (place, number) in left.numbers(ofParts: texts).enumerated()
            // What is newer on the left is looked up from there, the next time.
            where number != 0 && Int(number) < numbers.count {
                numbers[Int(number)] = UInt32(otherCount + place + 1)
            }
            otherCount += texts.count
        }
    }
}
