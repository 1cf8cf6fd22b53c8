import Dispatch
package import Engine
package import Primitives
package import Resources
import Synchronization

/// What follows the facts on the writer's thread: the live parts of the models.
package protocol ApplyObserver: AnyObject, Sendable {
    /// A batch is durable and nobody can read it yet: what must be there before the facts can be
    /// read is done now.
    func willApply(_ batch: [Effects])

    /// A batch was applied; its callers are answered when this returns.
    func applied(_ changes: [AppliedChange])
}

extension ApplyObserver {
    package func willApply(_ batch: [Effects]) {}
}

/// The single writer: gives every mutation its place in history, makes it durable, applies it.
///
/// A turn takes what is waiting, plans it in order, writes all effects and the position in one
/// synced batch, applies them, and only then answers. Refusals are answered and never written.
package final class Sequencer: Sendable {
    /// Told what became of a mutation; the wake-ups of a whole batch's callers may be gathered.
    package typealias Completion =
        @Sendable (Result<MutationOutcome, Refusal>, WakeBatch?) -> Void

    private enum Job: Sendable {
        case mutation(Mutation, submittedNanoseconds: UInt64, Completion)
        case work(@Sendable () -> Void)
    }

    private struct State {
        var jobs: [Job] = []
        var isStopping = false
        var waiters: [Waiter] = []
        var nextWaiter: UInt64 = 1
    }

    private struct Waiter {
        let id: UInt64
        let position: LogPosition
        let wake: @Sendable () -> Void
    }

    private let state = Mutex(State())
    private let wakeUp = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let writer: Writer
    private let clock: any Clock
    private let nextProbe = Atomic<UInt64>(0)

    init(writer: Writer, clock: any Clock) {
        self.writer = writer
        self.clock = clock
    }

    /// Writes that wait for the writer.
    package var queueDepth: Int { state.withLock { $0.jobs.count } }

    /// Whether the store took the last write.
    ///
    /// When it did not, asking has it tried again, at most once in
    /// `Limits.readinessProbeIntervalMS`: nobody sends writes to a server that says it can't.
    package func checkWritable() -> Bool {
        if writer.isWritable { return true }
        let now = clock.monotonicNanoseconds()
        let next = nextProbe.load(ordering: .relaxed)
        if now >= next {
            let later = now + UInt64(Limits.readinessProbeIntervalMS) * 1_000_000
            let (isMine, _) = nextProbe.compareExchange(
                expected: next,
                desired: later,
                ordering: .relaxed
            )
            if isMine { perform { [writer] in writer.probe() } }
        }
        return false
    }

    /// Starts the writer's thread; `observer` is told of every applied batch from now on.
    package func start(observer: any ApplyObserver) {
        writer.observer = observer
        let thread = Threads.start(name: "writer") { [self] in run() }
        precondition(thread != nil, "no thread could be started")
    }

    /// Queues a mutation; `completion` runs on the writer's thread once it is durable and applied.
    ///
    /// Refused at once, on the caller's thread, when the queue is full or the writer has stopped.
    package func submit(_ mutation: Mutation, completion: @escaping Completion) {
        let refusal: Refusal? = state.withLock { state in
            if state.isStopping {
                return Refusal(.unavailable, "the server is stopping")
            }
            guard state.jobs.count < Limits.pendingMutationsMax else {
                return Refusal(
                    .unavailable,
                    "\(Limits.pendingMutationsMax) writes are waiting, which is the limit"
                )
            }
            let now = clock.monotonicNanoseconds()
            enqueue(.mutation(mutation, submittedNanoseconds: now, completion), &state)
            return nil
        }
        if let refusal { completion(.failure(refusal), nil) }
    }

    private func enqueue(_ job: Job, _ state: inout State) {
        state.jobs.append(job)
        // Later jobs ride on the same wake-up: the writer takes all there are.
        if state.jobs.count == 1 { wakeUp.signal() }
    }

    /// The same for a task.
    package func submit(_ mutation: Mutation) async throws(Refusal) -> MutationOutcome {
        let result = await withCheckedContinuation { continuation in
            submit(mutation) { result, _ in continuation.resume(returning: result) }
        }
        return try result.get()
    }

    /// Runs `work` on the writer's thread behind everything that is waiting, between two batches.
    package func perform(_ work: @escaping @Sendable () -> Void) {
        state.withLock { enqueue(.work(work), &$0) }
    }

    /// What becomes of a wish to be woken.
    package enum Wait: Hashable, Sendable {
        case over
        /// `forget` takes this number.
        case waiting(UInt64)
        /// Too many wait.
        case refused
    }

    /// Calls `wake` once `position` is applied: at once, or on the writer's thread.
    package func whenApplied(
        _ position: LogPosition,
        wake: @escaping @Sendable () -> Void
    ) -> Wait {
        let wait: Wait = state.withLock { state in
            if writer.engine.position >= position { return .over }
            guard state.waiters.count < Limits.pendingMutationsMax else { return .refused }
            let id = state.nextWaiter
            state.nextWaiter += 1
            state.waiters.append(Waiter(id: id, position: position, wake: wake))
            return .waiting(id)
        }
        if wait == .over { wake() }
        return wait
    }

    /// Nobody waits any more; O(waiters).
    package func forget(waiter id: UInt64) {
        state.withLock { state in
            // In the order of their numbers, since they join at the end.
            if let place = state.waiters.firstIndex(where: { $0.id == id }) {
                state.waiters.remove(at: place)
            }
        }
    }

    /// Completes everything submitted so far and ends the thread.
    package func stop() {
        state.withLock { $0.isStopping = true }
        wakeUp.signal()
        ended.wait()
    }

    private func run() {
        while true {
            wakeUp.wait()
            let (jobs, isStopping) = state.withLock { state in
                let jobs = state.jobs
                state.jobs = []
                return (jobs, state.isStopping)
            }
            for job in jobs {
                switch job {
                case .mutation(let mutation, let submitted, let completion):
                    writer.add(mutation, submittedNanoseconds: submitted, completion)
                case .work(let work):
                    writer.commit()
                    work()
                }
            }
            writer.commit()
            wakeWaiters()
            if isStopping && jobs.isEmpty { break }
            if isStopping { wakeUp.signal() }
        }
        ended.signal()
    }

    private func wakeWaiters() {
        let position = writer.engine.position
        let due = state.withLock { state in
            let due = state.waiters.filter { $0.position <= position }
            state.waiters.removeAll { $0.position <= position }
            return due
        }
        for waiter in due { waiter.wake() }
    }
}
