import Primitives

/// What users of each attribute touched: what is popular among users alike.
///
/// score_j = Σ_t r_tj / T over the T attributes of a user that the training knows, r_tj the users
/// with t who touched j, divided by that of the item that most of them touched: 0 to 1. For users
/// without a history, or with little of it: see `weight`. Trained; a row keeps its
/// `Limits.neighboursMax` items of most users. A query reads one row an attribute.
struct UserSegments: Sendable {
    /// Users below which an attribute says nothing.
    private static let usersMin = 5
    /// Events after which a history speaks for itself.
    static let eventsMax = 5

    private var rows: [UInt64: [WeightedItem]] = [:]

    init() {}

    /// `users[o]` is the user of the log's history `o`.
    init(_ set: any TrainingSet, _ log: InteractionLog, users: [UserIndex]) {
        var owners: [UInt64: [Int]] = [:]
        for (owner, user) in users.enumerated() {
            for token in set.tokens(ofUser: user) { owners[token.hash, default: []].append(owner) }
        }
        let kept = owners.filter { $0.value.count >= Self.usersMin }
            .sorted { (-$0.value.count, $0.key) < (-$1.value.count, $1.key) }
            .prefix(Limits.userSegmentsMax)
        var counts = SparseSums(itemCount: log.itemCount)
        for (hash, owners) in kept {
            for owner in owners {
                for item in Set(log.items[log.history(of: owner)]) { counts.add(1, to: item) }
            }
            let row = counts.touched.map {
                WeightedItem(item: $0, weight: counts.values[Int($0)])
            }
            counts.clear()
            let largest = row.reduce(0) { max($0, $1.weight) }
            rows[hash] = SparseRows.cut(row, Limits.neighboursMax).map {
                WeightedItem(item: $0.item, weight: $0.weight / largest)
            }
        }
    }

    /// What the score counts for beside the other terms of a blend after so many events.
    static func weight(afterEvents count: Int) -> Float {
        count < eventsMax ? 0.6 / Float(1 + count) : 0
    }

    /// Calls `body` for each item and its part in the score, attribute by attribute.
    func forEach(_ tokens: [ItemToken], _ body: (_ item: Int, _ part: Float) -> Void) {
        let known = tokens.compactMap { rows[$0.hash] }
        for row in known {
            for entry in row { body(Int(entry.item), entry.weight / Float(known.count)) }
        }
    }

    // MARK: Artifact

    func encode(into artifact: ArtifactWriter) {
        artifact.put(UInt32(rows.count))
        for (hash, row) in rows.sorted(by: { $0.key < $1.key }) {
            artifact.put(hash)
            artifact.put(UInt32(row.count))
            for entry in row {
                artifact.put(entry.item)
                artifact.put(entry.weight)
            }
        }
    }

    init(_ reader: inout ArtifactReader) throws(RecipeError) {
        for _ in 0..<(try reader.count(of: 12)) {
            let hash = try reader.number(UInt64.self)
            var row: [WeightedItem] = []
            for _ in 0..<(try reader.count(of: 8)) {
                let item = try reader.number(UInt32.self)
                row.append(WeightedItem(item: item, weight: try reader.float()))
            }
            rows[hash] = row
        }
    }
}
