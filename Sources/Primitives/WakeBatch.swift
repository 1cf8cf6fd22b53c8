/// Wake-ups that wait until the last of many answers is ready.
///
/// Who answers a batch of calls hands one to each; a thread that is woken for the first answer
/// finds all of them, instead of being woken for each. Confined to one thread.
package final class WakeBatch {
    private var wakes: [() -> Void] = []

    package init() {}

    package func add(_ wake: @escaping () -> Void) {
        wakes.append(wake)
    }

    /// Wakes everybody; the batch is empty again.
    package func wakeAll() {
        for wake in wakes { wake() }
        wakes.removeAll(keepingCapacity: true)
    }
}
