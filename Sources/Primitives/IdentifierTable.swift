import Glibc

/// Identifiers of one name space and their dense indices, in order of first insertion.
///
/// Open addressing over an arena of bytes: a slot holds a tag of the hash, the index and the offset
/// of the id, so that a miss rarely touches the arena. Load at most 3/4. About 12 bytes an id
/// beyond its own bytes and 4 for the way back from index to id. Not thread-safe.
package struct IdentifierTable: Sendable {
    private struct Slot {
        var tag: UInt32
        /// Index + 1; 0 is a free slot, `removed` one whose id is gone.
        var next: UInt32

        static let removed = UInt32.max
    }

    private let hash: StableHash
    private var slots: [Slot]
    private var bytes: [UInt8] = []
    /// Where the id of each index begins; the next one's begin is its end.
    private var offsets: [UInt32] = [0]
    /// Indices whose ids are gone; they are not given out again.
    private var removed: Set<UInt32> = []

    package init(hash: StableHash) {
        self.hash = hash
        slots = Array(repeating: Slot(tag: 0, next: 0), count: 16)
    }

    package var count: Int { offsets.count - 1 }

    /// What it takes of memory.
    package var byteCount: Int { slots.capacity * 8 + bytes.capacity + offsets.capacity * 4 }

    /// The index of `id`; `nil` when it is not here.
    ///
    /// O(1), no allocation.
    package func index(of id: RawSpan) -> UInt32? {
        let hashed = hash.hash(id)
        let tag = UInt32(truncatingIfNeeded: hashed >> 32)
        var position = Int(truncatingIfNeeded: hashed) & (slots.count - 1)
        while slots[position].next != 0 {
            let slot = slots[position]
            if slot.tag == tag, slot.next != Slot.removed, equals(slot.next - 1, id) {
                return slot.next - 1
            }
            position = (position + 1) & (slots.count - 1)
        }
        return nil
    }

    package func index(of id: String) -> UInt32? {
        id.withRawSpan { index(of: $0) }
    }

    /// The indices of several ids, in their order; `nil` for what is not here.
    ///
    /// What one id waits for from memory, the others do not: the steps are taken for all ids in
    /// turn, so that their misses overlap.
    package func indices(of ids: ArraySlice<String>, into indices: inout [UInt32?]) {
        let first = indices.count
        for id in ids {
            indices.append(id.withRawSpan { UInt32(truncatingIfNeeded: hash.hash($0)) })
        }
        let mask = UInt32(slots.count - 1)
        for place in first..<indices.count {
            // The first slot is the id's, most of the time.
            let next = slots[Int((indices[place] ?? 0) & mask)].next
            indices[place] = next != 0 && next != Slot.removed ? next - 1 : nil
        }
        for (id, place) in zip(ids, first...) {
            let isIt = indices[place].map { index in id.withRawSpan { equals(index, $0) } } ?? false
            if !isIt { indices[place] = index(of: id) }
        }
    }

    /// Adds an id that is not here yet.
    @discardableResult
    package mutating func insert(_ id: String) -> UInt32 {
        precondition(index(of: id) == nil, "an identifier is inserted once")
        if (count + 1) * 4 > slots.count * 3 { grow() }
        let index = UInt32(count)
        bytes.append(contentsOf: id.utf8)
        offsets.append(UInt32(bytes.count))
        place(index, hash.hash(id))
        return index
    }

    /// Forgets the id at `index`, of which nothing stays in memory; the index stays taken.
    package mutating func remove(_ index: UInt32) {
        let start = Int(offsets[Int(index)])
        let end = Int(offsets[Int(index) + 1])
        let hashed = hash.hash(self[index])
        var position = Int(truncatingIfNeeded: hashed) & (slots.count - 1)
        while slots[position].next != 0 {
            if slots[position].next == index + 1 {
                slots[position].next = Slot.removed
                removed.insert(index)
                for place in start..<end { bytes[place] = 0 }
                return
            }
            position = (position + 1) & (slots.count - 1)
        }
    }

    /// The id at `index`.
    package subscript(index: UInt32) -> String {
        String(
            decoding: bytes[Int(offsets[Int(index)])..<Int(offsets[Int(index) + 1])],
            as: UTF8.self
        )
    }

    private func equals(_ index: UInt32, _ id: RawSpan) -> Bool {
        let start = Int(offsets[Int(index)])
        let count = Int(offsets[Int(index) + 1]) - start
        guard count == id.byteCount else { return false }
        return unsafe id.withUnsafeBytes { other in
            unsafe bytes.withUnsafeBytes { mine in
                guard count > 0, let mine = mine.baseAddress,
                    let other = other.baseAddress
                else { return count == 0 }
                return unsafe memcmp(mine + start, other, count) == 0
            }
        }
    }

    private mutating func place(_ index: UInt32, _ hashed: UInt64) {
        var position = Int(truncatingIfNeeded: hashed) & (slots.count - 1)
        while slots[position].next != 0 { position = (position + 1) & (slots.count - 1) }
        slots[position] = Slot(tag: UInt32(truncatingIfNeeded: hashed >> 32), next: index + 1)
    }

    private mutating func grow() {
        slots = Array(repeating: Slot(tag: 0, next: 0), count: slots.count * 2)
        for index in 0..<UInt32(count) where !removed.contains(index) {
            place(index, hash.hash(self[index]))
        }
    }
}
