import Dispatch
import Synchronization

/// A few threads for what a reactor must not wait for; first come, first served.
package final class WorkerPool: Sendable {
    private struct State {
        var waiting: [@Sendable () -> Void] = []
        var isStopping = false
    }

    private let state = Mutex(State())
    private let wakeUp = DispatchSemaphore(value: 0)
    private let threads: Mutex<[Threads.Handle]> = Mutex([])
    private let waitingMax: Int

    package init(
        threads count: Int = Limits.workerThreads,
        name: String = "worker",
        waitingMax: Int = Limits.pendingReadsMax
    ) {
        self.waitingMax = waitingMax
        for _ in 0..<count {
            let thread = Threads.start(name: name) { [self] in run() }
            guard let thread else { preconditionFailure("no thread could be started") }
            threads.withLock { $0.append(thread) }
        }
    }

    /// Queues work; false, and nothing happens, when too much is waiting or the pool has stopped.
    package func submit(_ work: @escaping @Sendable () -> Void) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isStopping, state.waiting.count < waitingMax else {
                return false
            }
            state.waiting.append(work)
            return true
        }
        if isTaken { wakeUp.signal() }
        return isTaken
    }

    /// Completes what was submitted and ends the threads.
    package func stop() {
        state.withLock { $0.isStopping = true }
        let threads = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for _ in threads { wakeUp.signal() }
        for thread in threads { Threads.join(thread) }
    }

    private func run() {
        while true {
            wakeUp.wait()
            let work = state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
            // A signal without work says that the pool stops; work that waits comes first.
            guard let work else { return }
            work()
        }
    }
}
