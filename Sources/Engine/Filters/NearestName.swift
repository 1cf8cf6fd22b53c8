/// The name that somebody most likely meant.
enum NearestName {
    /// Longer names are not compared: nobody mistypes them by hand.
    private static let lengthMax = 40

    /// The nearest of `names` by edit distance with case folded and `_` left out; `nil` when none
    /// is near.
    ///
    /// O(names × length²).
    static func of(_ found: String, in names: some Sequence<String>) -> String? {
        let folded = fold(found)
        guard (1...lengthMax).contains(folded.count) else { return nil }
        let allowed = folded.count <= 3 ? 1 : folded.count <= 8 ? 2 : 3
        var best: (name: String, distance: Int)?
        for name in names {
            let other = fold(name)
            guard other.count <= lengthMax, abs(other.count - folded.count) <= allowed
            else { continue }
            let distance = distance(folded, other)
            guard distance <= allowed, distance < max(folded.count, 2) else { continue }
            if best.map({ ($0.distance, $0.name) > (distance, name) }) ?? true {
                best = (name, distance)
            }
        }
        return best?.name
    }

    private static func fold(_ name: String) -> [UInt8] {
        name.utf8.compactMap { byte in
            byte == 0x5F ? nil : (0x41...0x5A).contains(byte) ? byte + 0x20 : byte
        }
    }

    /// Insertions, deletions, replacements and swaps of neighbours.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 1...max(left.count, 1) where row <= left.count {
            var current = [row] + Array(repeating: 0, count: right.count)
            for column in 1...max(right.count, 1) where column <= right.count {
                let isSame = left[row - 1] == right[column - 1]
                var least = min(last[column], current[column - 1]) + 1
                least = min(least, last[column - 1] + (isSame ? 0 : 1))
                if row > 1, column > 1, left[row - 1] == right[column - 2],
                    left[row - 2] == right[column - 1]
                {
                    least = min(least, beforeLast[column - 2] + 1)
                }
                current[column] = least
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
