import Primitives

/// One thing that a record says of an item or a user, such as a genre or a word of its title.
package struct ItemToken: Hashable, Sendable {
    /// Of the column and the value.
    package var hash: UInt64
    /// 1 / sqrt(tokens of its column), so that columns weigh alike however many values they have.
    package var share: Float
    /// Which column of the record says it.
    package var column: UInt8

    package init(hash: UInt64, share: Float, column: UInt8 = 0) {
        self.hash = hash
        self.share = share
        self.column = column
    }
}

/// What the records of all items say, as a training reads it.
///
/// 13 bytes a token.
struct ItemDescriptions {
    private var hashes: [UInt64] = []
    private var shares: [Float] = []
    private var columns: [UInt8] = []
    private var offsets: [Int] = [0]

    var itemCount: Int { offsets.count - 1 }
    var isEmpty: Bool { hashes.isEmpty }

    init() {}

    init(_ set: any TrainingSet) {
        for item in 0..<set.itemCount {
            for token in set.tokens(of: ItemIndex(UInt32(item))) {
                hashes.append(token.hash)
                shares.append(token.share)
                columns.append(token.column)
            }
            offsets.append(hashes.count)
        }
    }

    func tokens(of item: Int) -> [ItemToken] {
        (offsets[item]..<offsets[item + 1]).map {
            ItemToken(hash: hashes[$0], share: shares[$0], column: columns[$0])
        }
    }

    /// How rare tokens are: log(N / n) of N described items of which n have it, within
    /// `TokenRarity.range`; of tokens that at least two items have.
    var rarity: TokenRarity {
        var counts: [UInt64: UInt32] = [:]
        for hash in hashes { counts[hash, default: 0] += 1 }
        let shared = counts.filter { $0.value > 1 }
        let kept = shared.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .prefix(Limits.contentRarityMax)
        let described = Float((0..<itemCount).count { offsets[$0] < offsets[$0 + 1] })
        let range = TokenRarity.range
        var values: [UInt64: Float] = [:]
        for (hash, count) in kept {
            let rarity = Elementary.logarithm(described / Float(count))
            values[hash] = min(range.upperBound, max(range.lowerBound, rarity))
        }
        return TokenRarity(values)
    }
}

/// What each token counts for, as the training found it; the live part does not change it.
struct TokenRarity: Sendable {
    /// What everything has says next to nothing; two of 10,000 items have as much in common as two
    /// of 50.
    static let range: ClosedRange<Float> = 0.05...4
    /// Of tokens that the training saw less than twice.
    static let unknown: Float = 0.5

    private let values: [UInt64: Float]

    init(_ values: [UInt64: Float] = [:]) {
        self.values = values
    }

    /// Before a training all count alike.
    subscript(hash: UInt64) -> Float {
        values.isEmpty ? 1 : values[hash] ?? Self.unknown
    }

    func encode(into artifact: ArtifactWriter) {
        artifact.put(UInt32(values.count))
        for (hash, value) in values.sorted(by: { $0.key < $1.key }) {
            artifact.put(hash)
            artifact.put(value)
        }
    }

    init(_ reader: inout ArtifactReader) throws(RecipeError) {
        var values: [UInt64: Float] = [:]
        for _ in 0..<(try reader.count(of: 12)) {
            let hash = try reader.number(UInt64.self)
            values[hash] = try reader.float()
        }
        self.values = values
    }
}
