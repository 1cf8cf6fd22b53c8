import Primitives

/// What a question's own columns do to the sums of a blend.
///
/// Where a column has a value, item j's sum s_j > 0 becomes s_j · Π_c lift_c(j)^w_c, or, of a blend
/// that is a sum of logarithms, s_j + Σ_c w_c · log2 lift_c(j); c over the columns that the
/// validation chose, see `ContextCounts` for the lift. A question without such a value is not
/// looked at.
struct ContextLifts: Sendable {
    /// A column with w.
    struct Column: Sendable {
        let counts: ContextCounts
        let weight: Float
    }

    let columns: [Column]
    /// Sums are multiplied, not added to.
    let isFactor: Bool

    init(_ choice: ContextChoice, _ log: InteractionLog) {
        isFactor = choice.isFactor
        columns = choice.columns.map { chosen in
            let column = log.contextTable.columns[chosen.column]
            return Column(
                counts: ContextCounts(
                    name: column.name,
                    key: column.key,
                    valuesMax: ContextCounts.valuesMax(itemCount: log.itemCount)
                ),
                weight: chosen.weight
            )
        }
        for (column, chosen) in zip(columns, choice.columns) {
            column.counts.load(log, column: chosen.column)
        }
    }

    /// An event on an item came in this context (`sign` 1), or goes.
    func count(_ item: ItemIndex, _ context: [ContextValue], sign: Int64) {
        for column in columns {
            for given in context where given.column == column.counts.key {
                column.counts.add(item.rawValue, given.value, sign: sign)
            }
        }
    }

    /// Adds the lifts of each column that the context has; false where it has none of them.
    func add(_ context: [ContextValue], to lifts: inout [Float]) -> Bool {
        columns.reduce(false) { isLifted, column in
            add(context, column, to: &lifts) || isLifted
        }
    }

    private func add(
        _ context: [ContextValue],
        _ column: Column,
        to lifts: inout [Float]
    ) -> Bool {
        guard let given = context.first(where: { $0.column == column.counts.key }) else {
            return false
        }
        return column.counts.addLifts(given.value, weight: column.weight, to: &lifts)
    }

    /// What each column adds to a sum.
    func explain(
        _ item: Int,
        _ sum: Double,
        _ context: [ContextValue],
        itemCount: Int
    ) -> [ScoreExplanation.Component] {
        let parts = columns.map { column -> Float in
            var lifts = [Float](repeating: 0, count: itemCount)
            return add(context, column, to: &lifts) ? lifts[item] : 0
        }
        let lift = parts.reduce(0, +)
        guard lift != 0 else { return [] }
        let lifted = Kernels.lifted([Float(sum)], [0], scale: 1, [lift], isFactor: isFactor)
        let added = Double(lifted[0]) - Double(Float(sum))
        return zip(columns, parts).filter { $1 != 0 }.map { column, part in
            ScoreExplanation.Component(
                name: "context \(column.counts.name)",
                weight: Double(column.weight),
                score: added * Double(part / lift) / Double(column.weight)
            )
        }
    }

    var byteCount: Int { columns.reduce(0) { $0 + $1.counts.byteCount } }

    // MARK: Artifact

    func encode(into artifact: ArtifactWriter) {
        artifact.put(UInt8(isFactor ? 1 : 0))
        artifact.put(UInt32(columns.count))
        for column in columns {
            artifact.put(column.weight)
            column.counts.encode(into: artifact)
        }
    }

    init(_ reader: inout ArtifactReader, itemCount: Int) throws(RecipeError) {
        isFactor = try reader.number(UInt8.self) != 0
        var columns: [Column] = []
        for _ in 0..<(try reader.count(of: 24)) {
            let weight = try reader.float()
            guard weight > 0 else { throw ArtifactReader.damaged("a weight is not positive") }
            columns.append(
                Column(counts: try ContextCounts(&reader, itemCount: itemCount), weight: weight)
            )
        }
        self.columns = columns
    }
}
