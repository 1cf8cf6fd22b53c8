import Engine
import Logging
import Metrics
import Primitives
import Resources
import Synchronization

/// One batch after the other: plan, write, apply, answer.
///
/// Confined to the writer's thread.
///
/// SAFETY of `@unchecked`: the sequencer's thread alone touches it once that has started.
final class Writer: @unchecked Sendable {
    let engine: DatasetEngine
    var observer: (any ApplyObserver)?
    private var store: Store? {
        didSet { readable.withLock { $0 = store } }
    }
    /// The same for readers on other threads, who hold it for one question at a time; one that is
    /// only read while none can be written.
    let readable: Mutex<Store?>
    private let reopen: (_ isReadOnly: Bool) throws(JournalError) -> Store
    private let hash: StableHash
    private let clock: any Clock
    private let memory: MemoryGuard
    private let logger: Logger
    private let metrics: JournalMetrics
    /// Whether there are writes that only the system has.
    private let hasUnsynced = Atomic<Bool>(false)
    /// Whether the store took the last write; read by any thread.
    private let tookLastWrite = Atomic<Bool>(true)
    private var position: LogPosition
    private let batch: PlannedBatch
    private var planned: [Planned] = []
    private let wakes = WakeBatch()
    /// A batch whose write failed, until the store is open again and tells whether it has it.
    private var unsettled: [Effects] = []
    /// When a store that could not be opened may be tried again.
    private var nextOpening: UInt64 = 0

    private struct Planned {
        var effects: Effects
        var outcome: MutationOutcome
        var submittedNanoseconds: UInt64
        var completion: Sequencer.Completion
    }

    init(
        engine: DatasetEngine,
        store: Store,
        hash: StableHash,
        position: LogPosition,
        clock: any Clock,
        memory: MemoryGuard,
        logger: Logger,
        metrics: JournalMetrics,
        reopen: @escaping (_ isReadOnly: Bool) throws(JournalError) -> Store
    ) {
        self.engine = engine
        batch = PlannedBatch(engine: engine)
        self.store = store
        readable = Mutex(store)
        self.hash = hash
        self.position = position
        self.clock = clock
        self.memory = memory
        self.logger = logger
        self.metrics = metrics
        self.reopen = reopen
    }

    /// Plans one mutation into the batch; refuses it, or commits first, as the plan says.
    func add(
        _ mutation: Mutation,
        submittedNanoseconds: UInt64,
        _ completion: @escaping Sequencer.Completion
    ) {
        if memory.isOver, mutation.addsRecords {
            return completion(.failure(.outOfMemory(memory)), wakes)
        }
        if planned.count >= Limits.mutationsPerWriteMax { commit() }
        for _ in 0..<2 {
            do throws(Refusal) {
                let facts = StoreFacts(store: try openStore(), hash: hash)
                let next = LogPosition(lastPosition.rawValue + 1)
                let plan = try engine.plan(
                    mutation,
                    at: next,
                    now: clock.now(),
                    batch: batch,
                    facts: facts
                )
                guard case .ready(let effects, var outcome) = plan else {
                    commit()
                    continue
                }
                // A mutation that changes nothing is seen where everything before it is seen; a
                // batch that came before, where it was seen first.
                if effects.effects.isEmpty && outcome.position == next {
                    outcome.position = lastPosition
                }
                planned.append(
                    Planned(
                        effects: effects,
                        outcome: outcome,
                        submittedNanoseconds: submittedNanoseconds,
                        completion: completion
                    )
                )
                return
            } catch {
                return completion(.failure(error), wakes)
            }
        }
        completion(.failure(Refusal(.internalFailure, "the write could not be planned")), wakes)
    }

    private var lastPosition: LogPosition {
        planned.last { !$0.effects.effects.isEmpty }?.effects.position ?? position
    }

    /// Writes and applies what is planned, and answers.
    func commit() {
        // Refusals may be all there is to tell.
        guard !planned.isEmpty else { return wakes.wakeAll() }
        let batch = planned
        planned = []
        self.batch.removeAll()
        let effects = batch.map(\.effects).filter { !$0.effects.isEmpty }
        if let last = effects.last?.position {
            do throws(Refusal) {
                try write(effects, through: last)
            } catch {
                for one in batch { one.completion(.failure(error), wakes) }
                return wakes.wakeAll()
            }
            if position != last { apply(effects, through: last) }
            record(batch)
        }
        for one in batch { one.completion(.success(one.outcome), wakes) }
        wakes.wakeAll()
    }

    private func record(_ batch: [Planned]) {
        let now = clock.monotonicNanoseconds()
        metrics.batchSizes.record(UInt64(batch.count))
        for one in batch where now > one.submittedNanoseconds {
            metrics.freshness.record(now - one.submittedNanoseconds)
        }
    }

    /// Whether the last write was taken; may be asked on any thread.
    var isWritable: Bool { tookLastWrite.load(ordering: .relaxed) }

    /// Writes the position again, to see whether the store takes it.
    func probe() {
        guard !isWritable else { return }
        do throws(Refusal) {
            if let failure = try writeOnce([], through: position) {
                logger.error("store still takes no write", metadata: ["error": "\(failure)"])
                store = nil
            } else {
                tookLastWrite.store(true, ordering: .relaxed)
            }
        } catch {
            logger.error("store still shut", metadata: ["error": "\(error)"])
        }
    }

    private func write(_ effects: [Effects], through last: LogPosition) throws(Refusal) {
        let began = clock.monotonicNanoseconds()
        do throws(Refusal) {
            try writeReopening(effects, through: last)
            tookLastWrite.store(true, ordering: .relaxed)
            hasUnsynced.store(true, ordering: .releasing)
            let now = clock.monotonicNanoseconds()
            if now > began { metrics.commits.record(now - began) }
        } catch {
            tookLastWrite.store(false, ordering: .relaxed)
            metrics.failures.add()
            throw error
        }
    }

    private func writeReopening(
        _ effects: [Effects],
        through last: LogPosition
    ) throws(Refusal) {
        // RocksDB takes nothing more after a failure until it is opened again. If that was long
        // ago (the failure of a flush), the second try succeeds.
        for _ in 0..<2 {
            guard let failure = try writeOnce(effects, through: last) else { return }
            logger.error("write failed", metadata: ["error": "\(failure)"])
            unsettled = effects
            shut()
            _ = try openStore()
            if position == last { return }
        }
        throw Refusal(.unavailable, "the store could not write")
    }

    private func writeOnce(
        _ effects: [Effects],
        through last: LogPosition
    ) throws(Refusal) -> JournalError? {
        let store = try openStore()
        let encoder = RowEncoder(store: store, hash: hash)
        let batch = WriteBatch()
        do throws(JournalError) {
            for one in effects { try encoder.add(one, to: batch) }
            let row = RowWriter()
            row.put(last.rawValue)
            unsafe batch.put(store.family(.meta), RowKey.position, row.bytes.bytes)
            try store.write(batch)
            return nil
        } catch {
            return error
        }
    }

    private func openStore() throws(Refusal) -> Store {
        if let store { return store }
        let now = clock.monotonicNanoseconds()
        guard now >= nextOpening else {
            throw Refusal(.unavailable, "the store is shut since it could not write")
        }
        do throws(JournalError) {
            let opened = try reopen(false)
            try settle(opened)
            store = opened
            return opened
        } catch {
            nextOpening = clock.monotonicNanoseconds() + Limits.storeOpeningIntervalNS
            openForReaders()
            throw Refusal(.unavailable, "the store is shut: \(error)")
        }
    }

    /// Lets records be read where nothing can be written, as on a full disk.
    ///
    /// Not when the store has a batch that the engine does not have: its fate is known when the
    /// store can be written again.
    private func openForReaders() {
        guard readable.withLock({ $0 == nil }), let opened = try? reopen(true),
            (try? Journal.position(opened)) == position
        else { return }
        readable.withLock { $0 = opened }
    }

    /// Applies the batch whose write failed, if the store has kept it after all.
    ///
    /// Its callers may have been told that the fate of their writes is not known. Whatever they
    /// were told, engine and store must not differ.
    private func settle(_ opened: Store) throws(JournalError) {
        let stored = try Journal.position(opened)
        guard stored != position else {
            unsettled = []
            return
        }
        guard let last = unsettled.last?.position, stored == last else {
            throw JournalError(
                .corrupt,
                "the store is at position \(stored.rawValue), not at \(position.rawValue)"
            )
        }
        apply(unsettled, through: last)
        unsettled = []
    }

    private func apply(_ effects: [Effects], through last: LogPosition) {
        position = last
        observer?.willApply(effects)
        observer?.applied(engine.apply(effects))
    }

    /// Brings to the disk what was written since the last time; on any thread.
    ///
    /// When it fails the server takes no writes until the store does again.
    func syncLog() throws(JournalError) {
        guard let store = readable.withLock({ $0 }), !store.isReadOnly,
            hasUnsynced.exchange(false, ordering: .acquiring)
        else { return }
        do throws(JournalError) {
            try store.syncLog()
        } catch {
            hasUnsynced.store(true, ordering: .releasing)
            tookLastWrite.store(false, ordering: .relaxed)
            throw error
        }
    }

    /// Closes the store.
    ///
    /// After the thread has ended.
    func close() { shut() }

    /// Drops the store; whoever reads a snapshot of it reads a newer one.
    private func shut() {
        store?.revokeSnapshots()
        store = nil
    }

    /// The store that is open now; for snapshots and artifacts, on the writer's thread.
    func currentStore() throws(Refusal) -> Store { try openStore() }

    /// The same, or one that can be read alone while none takes writes.
    func storeToRead() throws(Refusal) -> Store {
        do throws(Refusal) {
            return try openStore()
        } catch {
            guard let store = readable.withLock({ $0 }) else { throw error }
            return store
        }
    }
}

extension Refusal {
    /// Nothing was lost: reads, deletions and changes of resources go on.
    fileprivate static func outOfMemory(_ memory: MemoryGuard) -> Refusal {
        let most = memory.explanation
        return Refusal(
            .limitExceeded,
            "the server has \(memory.residentBytes >> 20) MiB of memory, which is its budget of "
                + "\((memory.budget ?? 0) >> 20) MiB (--memory-budget)"
                + (most.isEmpty ? "" : "; most is in \(most)")
                + "; delete records, or give it more"
        )
    }
}

/// The planner's questions, answered by the store.
final class StoreFacts: FactReader {
    private let store: Store
    private let hash: StableHash

    init(store: Store, hash: StableHash) {
        self.store = store
        self.hash = hash
    }

    func events(
        _ group: GroupIndex,
        owner: UserIndex,
        at time: Timestamp
    ) throws(Refusal) -> [StoredEvent] {
        try reading { () throws(JournalError) in
            try EventRows(store: store, group: group, owner: owner).all(at: time)
        }
    }

    func events(_ group: GroupIndex, owner: UserIndex) throws(Refusal) -> [StoredEvent] {
        try reading { () throws(JournalError) in
            try EventRows(store: store, group: group, owner: owner).all()
        }
    }

    func event(
        _ group: GroupIndex,
        withID eventID: String
    ) throws(Refusal) -> (owner: UserIndex, event: StoredEvent)? {
        try reading { () throws(JournalError) in
            let idKey = RowKey.eventID(group, eventID, hash)
            if let key = try store.get(.eventIDs, idKey) {
                guard let eventKey = unsafe key.withUnsafeBytes({ unsafe EventKey($0) }) else {
                    return nil
                }
                return try event(at: eventKey)
            }
            guard var key = EventKey(spelledBy: eventID), key.group == group else { return nil }
            if let found = try event(at: key) {
                return found.event.identifier(group, key.owner) == eventID ? found : nil
            }
            // A session's events move to the user who joins it first, a user's to the one that it
            // is merged into.
            for _ in 0..<Limits.eventMovesMax {
                guard let next = try RecordReader.mover(store, group, key.owner) else { return nil }
                key.owner = next
                guard let moved = try event(at: key) else { continue }
                return moved.event.identifier(group, key.owner) == eventID ? moved : nil
            }
            return nil
        }
    }

    func isErased(_ group: GroupIndex, eventID: String) throws(Refusal) -> Bool {
        try reading { () throws(JournalError) in
            try store.get(.eventIDs, RowKey.eventID(group, eventID, hash))?.isEmpty ?? false
        }
    }

    private func event(
        at key: EventKey
    ) throws(JournalError) -> (owner: UserIndex, event: StoredEvent)? {
        let rows = EventRows(store: store, group: key.group, owner: key.owner)
        return try rows.event(key).map { (key.owner, $0) }
    }

    private func reading<R>(_ body: () throws(JournalError) -> R) throws(Refusal) -> R {
        do throws(JournalError) {
            return try body()
        } catch {
            throw Refusal(.unavailable, "the store could not be read: \(error)")
        }
    }
}
