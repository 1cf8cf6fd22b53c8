/// The only door to a reactor from another thread.
///
/// `post` may be called from any thread; the work runs on the reactor's thread, in the order of the
/// posts of one thread. After the reactor has stopped, work is dropped.
package final class Mailbox: Sendable {
    private let deliver: @Sendable (@escaping @Sendable () -> Void) -> Void

    /// A mailbox that hands work to `deliver`; the tests' in-memory stream runs it by hand.
    package init(deliver: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void) {
        self.deliver = deliver
    }

    package func post(_ work: @escaping @Sendable () -> Void) {
        deliver(work)
    }
}
