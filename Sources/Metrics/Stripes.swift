import Primitives
import Synchronization

/// A row of numbers that many threads add to, each thread in a copy of its own.
///
/// The copies are cache lines apart, so adding costs an uncontended atomic add; reading sums them.
/// Threads beyond `copies` share, which is slower and still right.
///
/// SAFETY of `@unchecked`: `cells` is written once, in `init`, and its elements are atomics.
@safe
final class Stripes: @unchecked Sendable {
    static let copies = 16
    private static let wordsPerLine = 8

    private let width: Int
    private let stride: Int
    private let cells: UnsafeMutablePointer<Atomic<UInt64>>

    init(width: Int) {
        self.width = width
        stride = (width + Self.wordsPerLine - 1) / Self.wordsPerLine * Self.wordsPerLine
        let count = stride * Self.copies
        let raw = UnsafeMutableRawPointer.allocate(
            byteCount: count * MemoryLayout<Atomic<UInt64>>.stride,
            alignment: 64
        )
        unsafe cells = raw.bindMemory(to: Atomic<UInt64>.self, capacity: count)
        for index in 0..<count { unsafe (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe cells.deinitialize(count: stride * Self.copies)
        unsafe cells.deallocate()
    }

    func add(_ amount: UInt64, at index: Int) {
        precondition(index >= 0 && index < width)
        let copy = Threads.number % Self.copies
        unsafe cells[copy * stride + index].wrappingAdd(amount, ordering: .relaxed)
    }

    func sum(at index: Int) -> UInt64 {
        precondition(index >= 0 && index < width)
        var sum: UInt64 = 0
        for copy in 0..<Self.copies {
            sum &+= unsafe cells[copy * stride + index].load(ordering: .relaxed)
        }
        return sum
    }
}
