import Synchronization

/// Scratches that are lent for one request each; as many as requests ever ran at once.
package final class ScratchPool: Sendable {
    /// SAFETY of `@unchecked`: one borrower at a time; the pool's lock hands it on.
    private struct Lent: @unchecked Sendable {
        let scratch: RequestScratch
    }

    private let free = Mutex<[Lent]>([])

    package init() {}

    package func take() -> RequestScratch {
        free.withLock { $0.popLast() }?.scratch ?? RequestScratch()
    }

    package func give(_ scratch: RequestScratch) {
        let lent = Lent(scratch: scratch)
        free.withLock { $0.append(lent) }
    }
}
