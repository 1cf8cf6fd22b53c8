import CKernels

/// Swift's side of the kernels on words of bitmaps and on chunks of columns.
///
/// Where two arrays differ in length, the words that one lacks are 0.
enum Words {
    static func and(_ words: inout [UInt64], _ other: [UInt64]) {
        let count = min(words.count, other.count)
        unsafe bowerbird_words_and(&words, other, count)
        for index in count..<words.count { words[index] = 0 }
    }

    static func or(_ words: inout [UInt64], _ other: [UInt64]) {
        unsafe bowerbird_words_or(&words, other, min(words.count, other.count))
    }

    static func andNot(_ words: inout [UInt64], _ other: [UInt64]) {
        unsafe bowerbird_words_and_not(&words, other, min(words.count, other.count))
    }

    static func not(_ words: inout [UInt64]) {
        unsafe bowerbird_words_not(&words, words.count)
    }

    static func count(_ words: [UInt64]) -> Int {
        unsafe bowerbird_words_count(words, words.count)
    }

    // MARK: One chunk of a column; bits are set from word `start` on

    static func range(
        _ values: [Double],
        _ bounds: ClosedRange<Double>,
        into words: inout [UInt64],
        at start: Int
    ) {
        unsafe fill(&words, from: start, values.count) { words in
            unsafe bowerbird_range_bits(
                values,
                values.count,
                bounds.lowerBound,
                bounds.upperBound,
                words
            )
        }
    }

    static func range(
        _ values: [Int64],
        _ bounds: ClosedRange<Int64>,
        into words: inout [UInt64],
        at start: Int
    ) {
        unsafe fill(&words, from: start, values.count) { words in
            unsafe bowerbird_whole_range_bits(
                values,
                values.count,
                bounds.lowerBound,
                bounds.upperBound,
                words
            )
        }
    }

    static func equal(
        _ codes: [UInt32],
        _ code: UInt32,
        into words: inout [UInt64],
        at start: Int
    ) {
        unsafe fill(&words, from: start, codes.count) { words in
            unsafe bowerbird_equal_bits(codes, codes.count, code, words)
        }
    }

    /// `table` has a 0 or a 1 for every code of the chunk.
    static func table(
        _ codes: [UInt32],
        _ table: [UInt8],
        into words: inout [UInt64],
        at start: Int
    ) {
        unsafe fill(&words, from: start, codes.count) { words in
            unsafe bowerbird_table_bits(codes, codes.count, table, words)
        }
    }

    /// Where a number of one column is less than that of the other, or the same number; not where
    /// either is null.
    static func pairs(
        _ left: Numbers,
        _ right: Numbers,
        isEqual: Bool,
        into words: inout [UInt64]
    ) {
        let count = min(left.values.count, right.values.count)
        check(count, words, 0)
        switch (left.wholes.isEmpty && right.wholes.isEmpty, isEqual) {
        case (true, true):
            unsafe bowerbird_same_number_bits(left.values, right.values, count, &words)
        case (true, false):
            unsafe bowerbird_less_number_bits(left.values, right.values, count, &words)
        case (false, _):
            unsafe bowerbird_exact_pair_bits(
                left.values,
                left.wholes.isEmpty ? nil : left.wholes,
                right.values,
                right.wholes.isEmpty ? nil : right.wholes,
                count,
                isEqual,
                &words
            )
        }
    }

    /// A chunk of a column of numbers; see `ItemColumn`.
    struct Numbers {
        let values: [Double]
        let wholes: [Int64]
    }

    /// Where two codes are the same and not 0.
    static func same(_ codes: [UInt32], _ others: [UInt32], into words: inout [UInt64]) {
        let count = min(codes.count, others.count)
        check(count, words, 0)
        unsafe bowerbird_same_code_bits(codes, others, count, &words)
    }

    /// Hands `set` the words from `start` on, which have room for the bits of `count` items.
    @inline(__always)
    private static func fill(
        _ words: inout [UInt64],
        from start: Int,
        _ count: Int,
        _ set: (UnsafeMutablePointer<UInt64>?) -> Void
    ) {
        check(count, words, start)
        unsafe words.withUnsafeMutableBufferPointer { words in
            unsafe set(words.baseAddress.map { unsafe $0 + start })
        }
    }

    private static func check(_ count: Int, _ words: [UInt64], _ start: Int) {
        precondition(start >= 0 && (words.count - start) * 64 >= count, "the bits have room")
    }
}
