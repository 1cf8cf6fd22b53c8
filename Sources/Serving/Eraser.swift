import Dispatch
import Engine
package import Journal
package import Logging
package import Primitives
import Resources
import Synchronization

/// Takes what was deleted out of the artifacts and out of the files, on a thread of its own, some
/// time after it is gone from every answer.
///
/// The deletions of a while are one rewriting: it costs the same for one and for a thousand.
package final class Eraser: Sendable {
    private let journal: Journal
    private let registry: ModelRegistry
    private let logger: Logger
    private let groups = Mutex<Set<GroupIndex>>([])
    private let stop = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    package init(registry: ModelRegistry, journal: Journal, logger: Logger) {
        self.registry = registry
        self.journal = journal
        self.logger = logger
    }

    /// Begins to follow deletions.
    ///
    /// Before the writer's thread starts.
    ///
    /// - Parameter unfinished: Groups with deletions that a process before this one left in files.
    package func start(unfinished: Set<GroupIndex>) {
        groups.withLock { $0 = unfinished }
        registry.onErasure = { [weak self] group in
            self?.groups.withLock { _ = $0.insert(group) }
        }
        let thread = Threads.start(name: "eraser") { [self] in
            let interval = DispatchTimeInterval.milliseconds(Limits.erasureIntervalMS)
            while stop.wait(timeout: .now() + interval) == .timedOut { erase() }
            ended.signal()
        }
        precondition(thread != nil, "no thread could be started")
    }

    /// Ends the thread; what is left in files is taken out after the next start.
    package func end() {
        stop.signal()
        ended.wait()
    }

    private func erase() {
        let due = groups.withLock { groups in
            defer { groups = [] }
            return groups
        }
        if due.isEmpty { return }
        do throws(Refusal) {
            let position = try rewriteArtifacts(of: due)
            if try journal.eraseFromDisk() {
                return journal.sequencer.perform { [journal] in
                    journal.markErased(through: position)
                }
            }
            // A training reads what was there before: again when it may be over.
        } catch {
            logger.error("erasure failed", metadata: ["error": "\(error.message)"])
        }
        groups.withLock { $0.formUnion(due) }
    }

    /// - Returns: The position that the artifacts have seen.
    private func rewriteArtifacts(of groups: Set<GroupIndex>) throws(Refusal) -> LogPosition {
        let result = Mutex<Result<LogPosition, Refusal>?>(nil)
        let done = DispatchSemaphore(value: 0)
        journal.sequencer.perform { [journal, registry] in
            let outcome: Result<LogPosition, Refusal>
            do throws(Refusal) {
                for group in groups {
                    try registry.rewriteArtifacts(of: group, journal)
                }
                outcome = .success(journal.engine.position)
            } catch {
                outcome = .failure(error)
            }
            result.withLock { $0 = outcome }
            done.signal()
        }
        done.wait()
        guard let outcome = result.withLock({ $0 }) else {
            throw Refusal(.unavailable, "the writer has stopped")
        }
        return try outcome.get()
    }
}
