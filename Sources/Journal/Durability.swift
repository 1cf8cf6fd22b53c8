import Dispatch
import Logging
import Primitives
import Synchronization

/// When an acknowledged write is on disk.
package enum Durability: Hashable, Sendable {
    /// Before it is acknowledged: neither a crash nor a power cut loses it.
    case synced
    /// At most this long after: a crash of the server loses nothing, a power cut or a crash of the
    /// system may lose the writes of that time, the newest.
    case delayed(milliseconds: Int)

    var storeMode: Store.Mode {
        switch self {
        case .synced: .synced
        case .delayed: .unsynced
        }
    }
}

/// Brings the log to the disk from time to time, on a thread of its own.
final class LogSyncer: Sendable {
    private let writer: Writer
    private let milliseconds: Int
    private let logger: Logger
    private let isStopping = Atomic<Bool>(false)
    private let wakeUp = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    init(writer: Writer, milliseconds: Int, logger: Logger) {
        self.writer = writer
        self.milliseconds = milliseconds
        self.logger = logger
        let thread = Threads.start(name: "log-sync") { [self] in run() }
        precondition(thread != nil, "no thread could be started")
    }

    /// Syncs once more and ends the thread.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        wakeUp.signal()
        ended.wait()
    }

    private func run() {
        while !isStopping.load(ordering: .acquiring) {
            _ = wakeUp.wait(timeout: .now() + .milliseconds(milliseconds))
            do throws(JournalError) {
                try writer.syncLog()
            } catch {
                logger.error("the log could not be synced", metadata: ["error": "\(error)"])
            }
        }
        ended.signal()
    }
}
