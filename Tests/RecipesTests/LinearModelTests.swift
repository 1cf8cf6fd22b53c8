import Primitives
import TestSupport
import Testing

@testable import Recipes

/// Random histories of a few items, and the matrices of the papers written out.
private struct SmallWorld {
    let itemCount = 12
    let histories: [[Int]]
    let counter: PairCounter

    init(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        histories = (0..<40).map { _ in
            (0..<Int.random(in: 1...40, using: &random)).map { _ in
                Int.random(in: 0..<12, using: &random)
            }
        }
        let set = ListedHistories(
            itemCount: itemCount,
            histories: histories.map { history in
                history.enumerated().map { step, item in
                    Interaction(
                        item: ItemIndex(UInt32(item)),
                        type: EventTypeIndex(0),
                        occurredAt: Timestamp(milliseconds: Int64(step))
                    )
                }
            }
        )
        counter = PairCounter(try InteractionLog(set) { _ in true })
    }

    typealias Matrix = [[Double]]

    private func zero() -> Matrix {
        Matrix(repeating: [Double](repeating: 0, count: itemCount), count: itemCount)
    }

    /// XᵀX.
    func together() -> Matrix {
        var sum = zero()
        for history in histories {
            let items = Set(history)
            for left in items { for right in items { sum[left][right] += 1 } }
        }
        return sum
    }

    /// SᵀS and SᵀT, by the places r of the histories.
    func sequence(delta: Double) -> (Matrix, Matrix) {
        var squares = zero()
        var ahead = zero()
        for history in histories {
            for place in history.indices {
                var back = [Double](repeating: 0, count: itemCount)
                var next = [Double](repeating: 0, count: itemCount)
                for step in 1...20 where place >= step {
                    back[history[place - step]] += exponential(-Double(step - 1) / delta)
                }
                for step in 0...4 where place + step < history.count {
                    next[history[place + step]] += exponential(-Double(step))
                }
                for left in 0..<itemCount {
                    for right in 0..<itemCount {
                        squares[left][right] += back[left] * back[right]
                        ahead[left][right] += back[left] * next[right]
                    }
                }
            }
        }
        return (squares, ahead)
    }

    func combined(_ first: Matrix, _ second: Matrix, _ alpha: Double) -> Matrix {
        zip(first, second).map { zip($0, $1).map { alpha * $0 + (1 - alpha) * $1 } }
    }

    /// Row i, column j of trained rows.
    func dense(_ rows: SparseRows) -> Matrix {
        var matrix = zero()
        for source in 0..<itemCount {
            for index in rows.row(source) {
                matrix[source][Int(rows.pairs[index].item)] = Double(rows.pairs[index].weight)
            }
        }
        return matrix
    }
}

/// e^x by its series, halved until it converges fast.
private func exponential(_ value: Double) -> Double {
    if value.magnitude > 0.5 {
        let half = exponential(value / 2)
        return half * half
    }
    var sum = 1.0
    var term = 1.0
    for step in 1...20 {
        term *= value / Double(step)
        sum += term
    }
    return sum
}

/// x of left · x = right, by elimination with pivots.
private func solved(_ left: [[Double]], _ right: [Double]) -> [Double] {
    var rows = zip(left, right).map { $0 + [$1] }
    for column in rows.indices {
        let pivot = (column..<rows.count).max {
            rows[$0][column].magnitude < rows[$1][column].magnitude
        }
        rows.swapAt(column, pivot ?? column)
        for row in rows.indices where row != column {
            let factor = rows[row][column] / rows[column][column]
            for index in column...rows.count { rows[row][index] -= factor * rows[column][index] }
        }
    }
    return rows.indices.map { rows[$0][rows.count] / rows[$0][$0] }
}

private func expectEqual(_ left: [[Double]], _ right: [[Double]], _ note: Comment) {
    for (left, right) in zip(left.joined(), right.joined()) {
        #expect((left - right).magnitude <= 1e-3 * max(1, right.magnitude), note)
    }
}

@Suite
struct `Linear models` {
    let seed = UInt64.random(in: 0 ... .max)

    /// Every other item may be a source, so nothing is left out but the target itself.
    @Test(arguments: [(1.0, 1.0), (0.4, 1.5), (0.12, 4.0)])
    func `solve locally what the formula says`(alpha: Double, delta: Double) throws {
        let world = try SmallWorld(seed: seed)
        let model = LocalSequenceModel(alpha: alpha, delta: delta, ridge: 8, sourceCount: 11)
        let (squares, ahead) = world.sequence(delta: delta)
        let gram = world.combined(world.together(), squares, alpha)
        let right = world.combined(world.together(), ahead, alpha)
        var expected = gram.map { $0.map { _ in 0.0 } }
        for target in 0..<world.itemCount {
            let sources = (0..<world.itemCount).filter { $0 != target && right[$0][target] > 0 }
            let part = sources.map { row in
                sources.map { gram[row][$0] + (row == $0 ? 8 : 0) }
            }
            for (source, weight) in zip(sources, solved(part, sources.map { right[$0][target] })) {
                expected[source][target] = weight
            }
        }
        let rows = try model.train(world.counter) { _ in true }
        expectEqual(world.dense(rows), expected, "seed \(seed)")
    }

    @Test(arguments: [(1.0, 1.0), (0.15, 4.0)])
    func `solve densely what the formula says`(alpha: Double, delta: Double) throws {
        let world = try SmallWorld(seed: seed)
        let count = world.itemCount
        let model = DenseSequenceModel(alpha: alpha, delta: delta, ridge: 20)
        let (squares, ahead) = world.sequence(delta: delta)
        var gram = world.combined(world.together(), squares, alpha)
        for item in 0..<count { gram[item][item] += 20 }
        let right = world.combined(world.together(), ahead, alpha)
        let identity = (0..<count).map { row in (0..<count).map { $0 == row ? 1.0 : 0 } }
        let inverse = identity.map { solved(gram, $0) }
        var expected = gram.map { $0.map { _ in 0.0 } }
        for target in 0..<count {
            let column = solved(gram, (0..<count).map { right[$0][target] })
            let factor = column[target] / inverse[target][target]
            for source in 0..<count where source != target {
                // Of EASE, C is XᵀX = G − λI: the same matrix in another form.
                expected[source][target] = column[source] - factor * inverse[source][target]
            }
        }
        let rows = try model.train(world.counter) { _ in true }
        expectEqual(world.dense(rows), expected, "seed \(seed)")
    }

    @Test
    func `find the neighbours that the formula says`() throws {
        let world = try SmallWorld(seed: seed)
        let together = world.together()
        var expected = together
        for left in 0..<world.itemCount {
            for right in 0..<world.itemCount {
                let size = (together[left][left] * together[right][right]).squareRoot()
                expected[left][right] = left == right ? 0 : together[left][right] / (size + 10)
            }
        }
        let rows = try ItemNeighbours(shrinkage: 10).train(world.counter) { _ in true }
        expectEqual(world.dense(rows), expected, "seed \(seed)")
    }

    @Test
    func `merge to the sum of what they say`() throws {
        let world = try SmallWorld(seed: seed)
        let first = try ItemNeighbours(shrinkage: 10).train(world.counter) { _ in true }
        let second = try ItemNeighbours(shrinkage: 1).train(world.counter) { _ in true }
        let merged = SparseRows.merged([(first, 2), (second, -0.5)], limit: 12)
        let expected = zip(world.dense(first), world.dense(second)).map {
            zip($0, $1).map { 2 * $0 - 0.5 * $1 }
        }
        expectEqual(world.dense(merged), expected, "seed \(seed)")
        let cut = SparseRows.merged([(first, 1)], limit: 3)
        for item in 0..<world.itemCount { #expect(cut.row(item).count <= 3) }
    }
}

@Suite
struct `A row of counts` {
    /// Many equal weights, rows of all lengths.
    @Test(arguments: 0..<20)
    func `finds its lightest pair, the first of several`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for count in [1, 2, 15, 16, 17, 64, 499, 500] {
            let row = (0..<UInt32(count)).map { item in
                RowPair(item: item, weight: UInt32.random(in: 1...9, using: &random))
            }
            let least = row.map(\.weight).min()
            #expect(Kernels.lightest(of: row) == row.firstIndex { $0.weight == least })
        }
        #expect(Kernels.lightest(of: []) == 0)
    }
}

@Suite
struct `A row that is cut` {
    /// Against a sort, over rows with many equal weights.
    @Test(arguments: 0..<50)
    func `keeps the largest entries, by item`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let items = Array(0..<UInt32(40)).shuffled(using: &random)
        let row = items.prefix(Int.random(in: 0...40, using: &random)).map { item in
            WeightedItem(item: item, weight: Float(Int.random(in: -4...4, using: &random)))
        }
        for limit in [0, 1, 7, 39, 40] {
            let sorted = row.sorted {
                (-$0.weight.magnitude, $0.item) < (-$1.weight.magnitude, $1.item)
            }
            let wanted = sorted.prefix(limit).map(\.item).sorted()
            #expect(SparseRows.cut(row, limit).map(\.item) == wanted)
        }
    }
}
