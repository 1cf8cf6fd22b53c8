package import Primitives

/// The only door to a reactor from another thread.
///
/// `post` may be called from any thread; the work runs on the reactor's thread, in the order of the
/// posts of one thread. After the reactor has stopped, work is dropped.
package final class Mailbox: Sendable {
    package typealias Work = @Sendable () -> Void
    private let deliver: @Sendable (@escaping Work, WakeBatch?) -> Void

    /// A mailbox that hands work to `deliver`; the tests' in-memory stream runs it by hand.
    package init(deliver: @escaping @Sendable (@escaping Work, WakeBatch?) -> Void) {
        self.deliver = deliver
    }

    /// - Parameters:
    ///   - work: Runs on the reactor's thread.
    ///   - wakes: Where the poster gathers its wake-ups; `nil` wakes the reactor at once.
    package func post(_ work: @escaping Work, waking wakes: WakeBatch? = nil) {
        deliver(work, wakes)
    }
}
