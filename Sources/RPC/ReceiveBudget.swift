import Primitives
import Synchronization

/// How many bytes of unfinished messages are held, for all calls of a server.
package final class ReceiveBudget: Sendable {
    private let bytesMax: Int
    private let bytes = Atomic<Int>(0)

    package init(bytesMax: Int = Limits.receiveBytesMax) {
        self.bytesMax = bytesMax
    }

    package var bytesHeld: Int { bytes.load(ordering: .relaxed) }

    /// Takes `count` more; false, and nothing taken, when that would be too many.
    func take(_ count: Int) -> Bool {
        let (_, total) = bytes.add(count, ordering: .relaxed)
        if total <= bytesMax { return true }
        bytes.subtract(count, ordering: .relaxed)
        return false
    }

    func give(_ count: Int) {
        bytes.subtract(count, ordering: .relaxed)
    }
}
