/// The newest items of one history, oldest first; 64 bytes.
struct SessionTail: Equatable {
    static let lengthMax = 15

    private var length: UInt32 = 0
    private var items = InlineArray<15, UInt32>(repeating: 0)

    var count: Int { Int(length) }

    subscript(place: Int) -> UInt32 { items[place] }

    mutating func append(_ item: UInt32) { insert(item, before: 0) }

    /// With `newer` items behind it; of more than `lengthMax` items the oldest goes.
    mutating func insert(_ item: UInt32, before newer: Int) {
        if count == Self.lengthMax { remove(at: 0) }
        let place = max(0, count - newer)
        var at = count
        while at > place {
            items[at] = items[at - 1]
            at -= 1
        }
        items[place] = item
        length += 1
    }

    mutating func remove(at place: Int) {
        for at in place..<count - 1 { items[at] = items[at + 1] }
        length -= 1
    }

    func contains(_ item: UInt32) -> Bool { lastPlace(of: item) >= 0 }

    /// Where it came last; -1 when it didn't.
    func lastPlace(of item: UInt32) -> Int {
        var place = count - 1
        while place >= 0, items[place] != item { place -= 1 }
        return place
    }

    static func == (left: SessionTail, right: SessionTail) -> Bool {
        guard left.count == right.count else { return false }
        for place in 0..<left.count where left[place] != right[place] { return false }
        return true
    }
}

/// What the sessions of an index have in common with a history.
///
/// Reused from query to query; confined to one thread.
struct SessionSums {
    /// By owner; 0 but of `owners`.
    private var values: [Float] = []
    private var owners: [UInt32] = []
    /// Of `owners`: the item by which each came in.
    private var matches: [UInt32] = []
    private var item: UInt32 = 0
    private var heap: [UInt64] = []

    mutating func clear() {
        for owner in owners { values[Int(owner)] = 0 }
        owners.removeAll(keepingCapacity: true)
        matches.removeAll(keepingCapacity: true)
    }

    /// Sums from here on are by this item of the history, older than those before.
    mutating func begin(_ item: UInt32) { self.item = item }

    mutating func add(_ value: Float, to owner: UInt32) {
        let index = Int(owner)
        if index >= values.count {
            values.append(contentsOf: repeatElement(0, count: index + 1 - values.count))
        }
        if values[index] == 0 {
            owners.append(owner)
            matches.append(item)
        }
        values[index] += value
    }

    func entry(_ place: Int) -> (owner: UInt32, sum: Float, match: UInt32) {
        (owners[place], values[Int(owners[place])], matches[place])
    }

    /// The places of the largest sums, of equal ones those that came in first; in no order.
    mutating func best(_ limit: Int) -> [Int] {
        guard owners.count > limit else { return Array(owners.indices) }
        heap.removeAll(keepingCapacity: true)
        for (place, owner) in owners.enumerated() {
            let low = UInt64(UInt32.max - UInt32(place))
            let key = UInt64(values[Int(owner)].bitPattern) << 32 | low
            if heap.count < limit {
                heap.append(key)
                if heap.count == limit { makeHeap() }
            } else if key > heap[0] {
                heap[0] = key
                sift(0)
            }
        }
        return heap.map { Int(UInt32.max - UInt32(truncatingIfNeeded: $0)) }.sorted()
    }

    /// The smallest at the root.
    private mutating func makeHeap() {
        for root in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sift(root) }
    }

    private mutating func sift(_ root: Int) {
        var at = root
        let key = heap[root]
        while true {
            var child = 2 * at + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < key else { break }
            heap[at] = heap[child]
            at = child
        }
        heap[at] = key
    }
}
