/// How many of some kind there are, and how many bytes of data they have together.
package struct Tally: Hashable, Sendable {
    package var count = 0
    package var byteCount = 0

    mutating func add(_ bytes: Int) {
        count += 1
        byteCount += bytes
    }

    /// Something of so many bytes gives way to something else; `nil`: there is none.
    mutating func replace(_ old: Int?, by new: Int?) {
        count += (new == nil ? 0 : 1) - (old == nil ? 0 : 1)
        byteCount += (new ?? 0) - (old ?? 0)
    }

    static func -= (left: inout Tally, right: Tally) {
        left.count -= right.count
        left.byteCount -= right.byteCount
    }
}

/// How many events that count each item has, so that the last one takes the item's mark with it.
struct EventCounts {
    private var counts: [UInt32] = []
    /// Beside `counts`: the bytes of those events.
    private var bytes: [Int] = []
    /// Of all items.
    private(set) var total = Tally()

    var byteCount: Int { counts.capacity * 4 + bytes.capacity * 8 }

    mutating func add(_ item: Int, _ size: Int) {
        if counts.count <= item {
            counts.append(contentsOf: repeatElement(0, count: item + 1 - counts.count))
            bytes.append(contentsOf: repeatElement(0, count: item + 1 - bytes.count))
        }
        counts[item] += 1
        bytes[item] += size
        total.add(size)
    }

    /// - Returns: Whether none is left.
    mutating func subtract(_ tally: Tally, _ item: Int) -> Bool {
        guard item < counts.count else { return true }
        let gone = Tally(
            count: min(tally.count, Int(counts[item])),
            byteCount: min(tally.byteCount, bytes[item])
        )
        counts[item] -= UInt32(gone.count)
        bytes[item] -= gone.byteCount
        total -= gone
        return counts[item] == 0
    }

    func isEmpty(_ item: Int) -> Bool { item >= counts.count || counts[item] == 0 }

    mutating func clear(_ item: Int) {
        guard item < counts.count else { return }
        total -= Tally(count: Int(counts[item]), byteCount: bytes[item])
        counts[item] = 0
        bytes[item] = 0
    }
}
