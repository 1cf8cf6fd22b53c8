import CKernels

/// A set of dense indices as words of 64 bits.
package struct ItemBitmap: Hashable, Sendable {
    /// Bit `i % 64` of word `i / 64` is index `i`.
    package var words: [UInt64]

    package init(words: [UInt64] = []) {
        self.words = words
    }

    @inlinable
    package func contains(_ index: Int) -> Bool {
        let word = index >> 6
        return word < words.count && words[word] >> UInt64(index & 63) & 1 == 1
    }

    package mutating func insert(_ index: Int) {
        grow(to: index + 1)
        words[index >> 6] |= 1 << UInt64(index & 63)
    }

    @inlinable
    package mutating func remove(_ index: Int) {
        let word = index >> 6
        if word < words.count { words[word] &= ~(1 << UInt64(index & 63)) }
    }

    /// Keeps its storage.
    package mutating func removeAll() {
        for word in words.indices { words[word] = 0 }
    }

    /// Makes room for indices below `count`; new ones are absent.
    package mutating func grow(to count: Int) {
        let needed = (count + 63) >> 6
        if needed > words.count {
            words.append(contentsOf: repeatElement(0, count: needed - words.count))
        }
    }

    /// Members; O(words).
    package var count: Int { unsafe bowerbird_words_count(words, words.count) }

    /// Becomes a copy of `other`, reusing its storage.
    package mutating func assign(_ other: ItemBitmap) {
        words.removeAll(keepingCapacity: true)
        words.append(contentsOf: other.words)
    }
}
