import Glibc
import Primitives
import Testing

@testable import Recipes

/// The C kernels against what they say they do.
struct KernelTests {
    @Test(arguments: [UInt32.max, 8])
    func `A row adds to the scores of its items, and not to what has none`(highest: UInt32) {
        let row = [(0, 3), (7, 1), (2, 10), (8, 5)].map { RowPair(item: $0, weight: $1) }
        for count in [0, 1, 3, 8, 9] {
            var scores = [Float](repeating: 1, count: count)
            Kernels.add(row, upTo: highest, 0.5, to: &scores)
            for item in 0..<count {
                let weight = row.first { $0.item == item }?.weight ?? 0
                #expect(scores[item] == 1 + 0.5 * Float(weight))
            }
        }
    }

    @Test func `A trained row adds to the scores of its items`() {
        var rows = SparseRows()
        rows.append(row: [WeightedItem(item: 0, weight: 0.5), WeightedItem(item: 2, weight: -1)])
        rows.append(row: [])
        rows.append(row: [WeightedItem(item: 1, weight: 2)])
        var scores: [Float] = [0, 0, 0, 9]
        Kernels.add(rows, rows.row(0), 2, to: &scores)
        Kernels.add(rows, rows.row(1), 2, to: &scores)
        #expect(scores == [1, 0, -2, 9])
        var fewer: [Float] = [0, 0]
        Kernels.add(rows, rows.row(0), 2, to: &fewer)
        #expect(fewer == [1, 0])
    }

    @Test(arguments: [1, 63, 64, 65, 400, 1_100])
    func `A softmax adds up the candidates alone, to 1e-5`(itemCount: Int) {
        var generator = SeededGenerator(seed: UInt64(itemCount))
        for sharing in 0..<5 {
            let scores = (0..<itemCount).map { _ in Float.random(in: 0...1, using: &generator) }
            let prior = (0..<itemCount).map { _ in Float.random(in: 0...1, using: &generator) }
            var candidates = ItemBitmap()
            for item in 0..<itemCount where Int.random(in: 0...3, using: &generator) >= sharing {
                candidates.insert(item)
            }
            let sums = (0..<itemCount).filter { candidates.contains($0) }
                .map { scores[$0] + 0.25 * prior[$0] }
            guard let largest = sums.max() else { continue }
            let scale = Double(ScoreScale.scale(largest))
            let expected = sums.reduce(0) { $0 + exp(scale * Double($1 - largest)) }
            let sum = Kernels.softmaxSum(
                scores: scores,
                prior: prior,
                scale: 0.25,
                candidates: candidates.words.span,
                largest: largest
            )
            #expect(abs(sum / expected - 1) < 1e-5)
        }
    }

    @Test
    func `A softmax leaves out what is no candidate, however high its score`() {
        var candidates = ItemBitmap()
        for item in stride(from: 0, to: 256, by: 2) { candidates.insert(item) }
        for high: Float in [2, 1e4, .greatestFiniteMagnitude] {
            let sum = Kernels.softmaxSum(
                scores: (0..<256).map { $0 % 2 == 0 ? 1 : high },
                prior: [Float](repeating: 0, count: 256),
                scale: 0.25,
                candidates: candidates.words.span,
                largest: 1
            )
            #expect(abs(sum - 128) < 1e-3)
        }
    }

    /// OpenBLAS has other code for small ones, and other code for each kind of CPU.
    @Test(arguments: [1, 2, 63, 128, 133, 200, 517])
    func `A matrix times its inverse is one`(size: Int) {
        var generator = SeededGenerator(seed: UInt64(size))
        var matrix = [Float](repeating: 0, count: size * size)
        for column in 0..<size {
            for row in 0...column {
                let value = Float.random(in: -1...1, using: &generator)
                matrix[column * size + row] = value
                matrix[row * size + column] = value
            }
            matrix[column * size + column] = Float(2 * size)
        }
        var inverse = matrix
        #expect(LinearAlgebra.invert(&inverse, size))
        let product = LinearAlgebra.product(matrix, inverse, size)
        for (place, value) in product.enumerated() {
            let expected: Float = place / size == place % size ? 1 : 0
            #expect(abs(value - expected) < 1e-4, "at \(place)")
        }
    }
}
