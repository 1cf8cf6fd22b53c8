import Dispatch
import Engine
package import Journal
package import Logging
package import Primitives
package import Resources
package import Serving
import Synchronization

/// Runs jobs on records, one after the other, on a thread of its own.
///
/// A job's states and how far it is are writes like any other, so a restart goes on where the job
/// was.
package final class JobQueue: Sendable {
    private struct State {
        var waiting: [ResourceName] = []
        var running: ResourceName?
        var rate = JobRate()
        var isEnding = false
        var watchers: [UInt64: @Sendable () -> Void] = [:]
        var nextWatcher: UInt64 = 1
    }

    let journal: Journal
    let registry: ModelRegistry
    let clock: any Clock
    let limits: RecordLimits
    let logger: Logger
    private let state = Mutex(State())
    private let wakeUp = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    package init(
        journal: Journal,
        registry: ModelRegistry,
        clock: any Clock,
        limits: RecordLimits,
        logger: Logger
    ) {
        self.limits = limits
        self.journal = journal
        self.registry = registry
        self.clock = clock
        self.logger = logger
    }

    /// Starts the thread; takes up what a restart interrupted, the oldest first, and deletes the
    /// uploads that no job waits for.
    package func start(uploads: String) {
        let all = Job.Kind.allCases.flatMap { journal.engine.resources.all($0.resourceKind) }
        let open = all.filter { resource in
            switch resource.header.status {
            case .createPending, .createInProgress, .createStopping: true
            case .active, .createFailed, .createStopped: false
            }
        }
        let kept = open.compactMap { resource -> String? in
            if case .job(let job) = resource { job.work.source?.path } else { nil }
        }
        Upload.removeAll(in: uploads, but: Set(kept))
        for job in open.sorted(by: { $0.header.createdAt < $1.header.createdAt }) {
            enqueue(job.resourceName)
        }
        let thread = Threads.start(name: "jobs") { [self] in run() }
        precondition(thread != nil, "no thread could be started")
    }

    package func enqueue(_ job: ResourceName) {
        state.withLock { $0.waiting.append(job) }
        wakeUp.signal()
    }

    /// Lets go of what is running, which goes on after a restart, and ends the thread.
    package func end() {
        state.withLock { $0.isEnding = true }
        wakeUp.signal()
        ended.wait()
    }

    var isEnding: Bool { state.withLock { $0.isEnding } }

    private func run() {
        while true {
            wakeUp.wait()
            let (next, isEnding) = state.withLock { state -> (ResourceName?, Bool) in
                guard !state.isEnding, !state.waiting.isEmpty else { return (nil, state.isEnding) }
                let next = state.waiting.removeFirst()
                state.running = next
                state.rate = JobRate()
                return (next, false)
            }
            if isEnding { break }
            guard let next else { continue }
            run(next)
            state.withLock { $0.running = nil }
            notify()
        }
        ended.signal()
    }

    private func run(_ name: ResourceName) {
        guard case .job(let job) = journal.engine.resources[name] else { return }
        switch job.work {
        case .importing: ImportRun(self, name).run()
        case .exporting: ExportRun(self, name).run()
        case .deleting: DeletionRun(self, name).run()
        }
    }

    // MARK: Progress

    /// How fast the running job is.
    func advanced(_ progress: JobProgress) {
        let now = clock.monotonicNanoseconds()
        let isDue = state.withLock { $0.rate.advance(progress, now) }
        if isDue { notify() }
    }

    /// Rows a second, and the seconds that are left; zeros for a job that is not running.
    package func rate(of job: ResourceName) -> (rowsPerSecond: Double, secondsLeft: Double) {
        state.withLock { $0.running == job ? $0.rate.shown : (0, 0) }
    }

    /// Calls `wake` whenever a job has changed, on the job's thread, until `unwatch`.
    package func watch(_ wake: @escaping @Sendable () -> Void) -> UInt64 {
        state.withLock { state in
            let token = state.nextWatcher
            state.nextWatcher += 1
            state.watchers[token] = wake
            return token
        }
    }

    package func unwatch(_ token: UInt64) {
        state.withLock { _ = $0.watchers.removeValue(forKey: token) }
    }

    package func notify() {
        let wakes = state.withLock { Array($0.watchers.values) }
        for wake in wakes { wake() }
    }

    // MARK: The writer

    /// One step, waited for; tried again while the store can't write.
    func submit(_ step: JobStep) throws(Refusal) -> MutationOutcome {
        while true {
            let result = Mutex<Result<MutationOutcome, Refusal>?>(nil)
            let done = DispatchSemaphore(value: 0)
            journal.sequencer.submit(.job(step)) { outcome, _ in
                result.withLock { $0 = outcome }
                done.signal()
            }
            done.wait()
            switch result.withLock({ $0 }) {
            case .success(let outcome): return outcome
            case .failure(let refusal):
                guard refusal.code == .unavailable, !isEnding else { throw refusal }
                Threads.sleep(milliseconds: Limits.jobRetryMS)
            case nil: throw Refusal(.internalFailure, "the writer gave no answer")
            }
        }
    }

    /// Changes a resource and waits for it.
    func update(_ resource: Resource) throws(Refusal) {
        let result = Mutex<Result<MutationOutcome, Refusal>?>(nil)
        let done = DispatchSemaphore(value: 0)
        journal.sequencer.submit(.updateResource(resource)) { outcome, _ in
            result.withLock { $0 = outcome }
            done.signal()
        }
        done.wait()
        _ = try result.withLock { $0 }?.get()
    }

    /// Runs `work` on the writer's thread and waits for what it makes.
    func onWriter<Value: Sendable>(
        _ work: @escaping @Sendable () throws(Refusal) -> Value
    ) throws(Refusal) -> Value {
        let result = Mutex<Result<Value, Refusal>?>(nil)
        let done = DispatchSemaphore(value: 0)
        journal.sequencer.perform {
            let made = Result { () throws(Refusal) in try work() }
            result.withLock { $0 = made }
            done.signal()
        }
        done.wait()
        guard let result = result.withLock({ $0 }) else {
            throw Refusal(.internalFailure, "the writer gave no answer")
        }
        return try result.get()
    }
}

/// The speed of a running job.
struct JobRate {
    private var start: (nanoseconds: UInt64, rows: UInt64, share: Double)?
    private var last: (nanoseconds: UInt64, rows: UInt64, share: Double) = (0, 0, 0)
    private var toldAt: UInt64 = 0

    /// Takes what is done; whether those who watch should be told.
    mutating func advance(_ progress: JobProgress, _ now: UInt64) -> Bool {
        last = (now, progress.rowCount, progress.share)
        if start == nil { start = last }
        guard now - toldAt >= Limits.jobNewsIntervalNS else { return false }
        toldAt = now
        return true
    }

    var shown: (rowsPerSecond: Double, secondsLeft: Double) {
        guard let start, last.nanoseconds > start.nanoseconds else { return (0, 0) }
        let seconds = Double(last.nanoseconds - start.nanoseconds) / 1e9
        let done = last.share - start.share
        let left = done > 0 ? seconds / done * (1 - last.share) : 0
        return (Double(last.rows - start.rows) / seconds, left)
    }
}
