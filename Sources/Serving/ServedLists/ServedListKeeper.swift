import Dispatch
package import Journal
package import Logging
import Primitives
import Resources

/// Writes served lists and showings to disk, a few times a second, on a thread of its own.
package final class ServedListKeeper: Sendable {
    private let lists: ServedLists
    private let registry: ModelRegistry
    private let journal: Journal
    private let logger: Logger
    private let stop = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    package init(registry: ModelRegistry, journal: Journal, logger: Logger) {
        lists = registry.servedLists
        self.registry = registry
        self.journal = journal
        self.logger = logger
    }

    package func start() {
        let thread = Threads.start(name: "served lists") { [self] in
            let interval = DispatchTimeInterval.milliseconds(Limits.servedListIntervalMS)
            while stop.wait(timeout: .now() + interval) == .timedOut { write() }
            write()
            ended.signal()
        }
        precondition(thread != nil, "no thread could be started")
    }

    /// Writes what is left and ends the thread.
    package func end() {
        stop.signal()
        ended.wait()
    }

    /// Waits until it is written, so that lists never pile up behind a slow disk.
    private func write() {
        let done = DispatchSemaphore(value: 0)
        let (rows, forgotten) = lists.takeUnwritten()
        journal.sequencer.perform { [self] in
            defer { done.signal() }
            let showings = registry.takeChangedShowings()
            let groups = registry.takeDeletedGroups()
            let isNothing =
                rows.isEmpty && forgotten.isEmpty && showings.isEmpty && groups.isEmpty
            if isNothing { return }
            do throws(Refusal) {
                try journal.servedLists.write(
                    rows,
                    forgotten: forgotten,
                    showings: showings,
                    deletedGroups: groups
                )
            } catch {
                logger.error("served lists not kept", metadata: ["error": "\(error.message)"])
            }
        }
        done.wait()
    }
}
