import Synchronization

/// One number an item, written by one thread and read by many.
///
/// A reader takes the array under the lock and reads it outside; the writer changes it in place, or
/// a copy of it while a reader still holds the old one.
final class ItemWeights: Sendable {
    private let values = Mutex<[Float]>([])

    /// `[itemCount]`.
    var current: [Float] { values.withLock { $0 } }

    func update(_ change: (inout [Float]) -> Void) {
        values.withLock { change(&$0) }
    }

    func grow(to count: Int) {
        values.withLock { values in
            if values.count < count {
                values.append(contentsOf: repeatElement(0, count: count - values.count))
            }
        }
    }
}
