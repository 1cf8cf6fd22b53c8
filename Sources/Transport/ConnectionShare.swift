import Primitives
import Synchronization

/// What the streams of one connection share; confined to their loop.
package final class ConnectionShare {
    /// What they have received and not made whole, in bytes.
    package var heldBytes = 0

    /// A header block and what the layer above read out of it, since the same may come again.
    package var lastRead: (headers: HeaderBlock, meaning: AnyObject)?

    /// Calls of this connection that the layer above takes whatever the load is.
    package var preferredCalls = 0

    /// The calls of all connections of the same address.
    package let originCalls: OriginCalls

    private let budget: UnsentBudget
    /// What they wait to send, in bytes, and what of it the budget knows of.
    private var unsentBytes = 0
    private var reportedBytes = 0

    package init(
        budget: UnsentBudget = UnsentBudget(),
        originCalls: OriginCalls = OriginCalls()
    ) {
        self.budget = budget
        self.originCalls = originCalls
    }

    deinit {
        budget.add(-reportedBytes)
    }

    /// Whether the peer leaves so many answers that it gets no further ones.
    ///
    /// A peer that takes its answers is never clogged, whatever the others do.
    package var isClogged: Bool {
        unsentBytes > Limits.unsentBytesStep
            && (unsentBytes > Limits.connectionUnsentBytesMax || budget.isSpent)
    }

    /// So many bytes more, or fewer, are waiting; the budget is told in steps, since it is shared
    /// by all threads.
    func unsentChanged(by change: Int) {
        unsentBytes += change
        let unreported = unsentBytes - reportedBytes
        guard abs(unreported) >= Limits.unsentBytesStep else { return }
        budget.add(unreported)
        reportedBytes = unsentBytes
    }
}

/// How many bytes of answers wait for their peers, for all connections of a server.
package final class UnsentBudget: Sendable {
    private let bytesMax: Int
    private let bytes = Atomic<Int>(0)

    package init(bytesMax: Int = Limits.unsentBytesMax) {
        self.bytesMax = bytesMax
    }

    var isSpent: Bool { bytes.load(ordering: .relaxed) > bytesMax }

    func add(_ change: Int) {
        if change != 0 { bytes.add(change, ordering: .relaxed) }
    }
}
