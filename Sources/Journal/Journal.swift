package import Engine
package import Logging
import Metrics
package import Primitives
package import Resources
import Synchronization

/// A data directory that is open: the engine that it makes, and the one way to change it.
///
/// `open` reads the control plane; `recover` the rest, once the caller has its models; `sequencer`
/// takes writes from then on.
package final class Journal: Sendable {
    package let engine: DatasetEngine
    package let sequencer: Sequencer
    package let artifacts: ArtifactStore
    package let servedLists: ServedListStore
    /// Single records, as they are on disk.
    package let records: RecordReader
    /// Keyed for this directory.
    package let hash: StableHash
    let writer: Writer
    private let syncer: LogSyncer?
    private let isOnDisk: Bool
    private let store: @Sendable () -> Store?
    private let position: LogPosition

    /// Where the data is.
    package enum Place: Sendable {
        case directory(String)
        /// Nothing on disk; gone with the process.
        case memory
    }

    /// Opens a place, or makes it.
    ///
    /// `format` is what to write and to read; another one is only for playing another server.
    ///
    /// - Throws: `JournalError` when another process has it, when it is damaged, or too new.
    package init(
        _ place: Place,
        format: UInt8 = FormatVersion.current,
        clock: any Clock = SystemClock(),
        filterQuotas: FilterQuotas = FilterQuotas(),
        groupQuotas: GroupQuotas = GroupQuotas(),
        numberIndexing: NumberIndexing = .inRequests,
        durability: Durability = .synced,
        memory: MemoryGuard = MemoryGuard(budget: nil),
        logger: Logger,
        metrics: JournalMetrics = JournalMetrics(Registry())
    ) throws(JournalError) {
        let opener = try StoreOpener(place, durability)
        if case .directory = place { isOnDisk = true } else { isOnDisk = false }
        let store = try opener.open(isReadOnly: false)
        try Self.checkFormat(store, format)
        hash = try Self.hashKey(store)
        position = try Self.position(store)
        engine = DatasetEngine(
            hash: hash,
            filterQuotas: filterQuotas,
            groupQuotas: groupQuotas,
            numberIndexing: numberIndexing
        )
        writer = Writer(
            engine: engine,
            store: store,
            hash: hash,
            position: position,
            clock: clock,
            memory: memory,
            logger: logger,
            metrics: metrics
        ) { (isReadOnly) throws(JournalError) in try opener.open(isReadOnly: isReadOnly) }
        if case .delayed(let milliseconds) = durability {
            syncer = LogSyncer(writer: writer, milliseconds: milliseconds, logger: logger)
        } else {
            syncer = nil
        }
        sequencer = Sequencer(writer: writer, clock: clock)
        records = RecordReader(writer: writer)
        artifacts = ArtifactStore(writer: writer, sequencer: sequencer, hash: hash)
        servedLists = ServedListStore(writer: writer)
        weak let opened = store
        self.store = { opened }
        try Recovery(store: store, engine: engine, position: position).applyResources()
    }

    /// Reads all records into the engine.
    ///
    /// - Parameters:
    ///   - replayAfter: Events above it are applied last, one by one, as they once were.
    ///   - prepare: Called when everything but those is there.
    ///   - observe: Told of those, to bring models up to date.
    /// - Throws: `JournalError` when a row can't be read.
    package func recover(
        replayAfter: LogPosition,
        prepare: () -> Void,
        observe: ([AppliedChange]) -> Void
    ) throws(JournalError) {
        guard let store = store() else { return }
        let recovery = Recovery(store: store, engine: engine, position: position)
        try recovery.applyRecords(
            replayAfter: replayAfter,
            prepare: prepare,
            observe: observe
        )
    }

    /// Completes what was submitted and closes the store; nothing works afterwards.
    package func close() {
        sequencer.stop()
        syncer?.stop()
        writer.close()
    }

    /// What the store keeps in memory; on any thread.
    package var storeMemoryByteCount: Int {
        writer.readable.withLock { $0 }?.memoryByteCount ?? 0
    }

    /// Copies everything that was acknowledged before, and maybe some of what comes meanwhile, to a
    /// folder that is not there yet; it is a data directory of its own.
    ///
    /// On any thread that may wait; others read and write meanwhile.
    ///
    /// - Returns: The position of the copy.
    /// - Throws: `resourceInUse` for a place that is not on disk, `unavailable` when the copy can't
    ///   be made; then nothing is at `path`.
    package func copy(to path: String) throws(Refusal) -> LogPosition {
        guard isOnDisk else {
            throw Refusal(.resourceInUse, "this server keeps nothing on disk (--ephemeral)")
        }
        guard let store = writer.readable.withLock({ $0 }), !store.isReadOnly else {
            throw Refusal(.unavailable, "the store is shut since it could not write")
        }
        do throws(JournalError) {
            try store.copy(to: path)
            // Also a proof that the copy can be opened.
            return try Self.position(Store(path: path, environment: nil, mode: .readOnly))
        } catch {
            throw Refusal(.unavailable, "the store could not be copied: \(error)")
        }
    }

    /// A frozen view of the records.
    ///
    /// On the writer's thread, so that its position is exact.
    package func makeSnapshot() throws(Refusal) -> RecordSnapshot {
        let store = try writer.storeToRead()
        return RecordSnapshot(
            snapshot: store.makeSnapshot(),
            position: engine.position,
            active: engine.activeGenerations()
        )
    }

    /// The position at which a group's interactions were deleted last; `nil` if they never were.
    ///
    /// An artifact that is older knows interactions that are gone. On the writer's thread, or
    /// before it starts.
    package func interactionsDeleted(_ group: GroupIndex) throws(Refusal) -> LogPosition? {
        let store = try writer.currentStore()
        do throws(JournalError) {
            guard let row = try store.get(.meta, RowKey.deletion(group)) else { return nil }
            var reader = RowReader(row)
            guard let value = try? reader.unsigned() else {
                throw JournalError(.corrupt, "the position of a deletion can't be read")
            }
            return LogPosition(value)
        } catch {
            throw Refusal(.unavailable, "the store could not be read: \(error)")
        }
    }

    /// Forgets what changed histories were, up to a position that every artifact has seen.
    ///
    /// On the writer's thread, or before it starts. A failure leaves some rows for the next time.
    package func forgetRewrites(through position: LogPosition) {
        guard position > .zero, let store = try? writer.currentStore() else { return }
        let batch = WriteBatch()
        for case .datasetGroup(let group) in engine.resources.all(.datasetGroup) {
            unsafe batch.deleteAll(
                store.family(.rewrites),
                from: RowKey.group(group.index),
                to: RowKey.rewrite(group.index, position, Int(UInt32.max))
            )
        }
        try? store.write(batch)
    }

    /// The same for one group, where it must not fail: what was deleted stands in such rows, too.
    package func forgetRewrites(
        of group: GroupIndex,
        through position: LogPosition
    ) throws(Refusal) {
        let store = try writer.currentStore()
        let batch = WriteBatch()
        unsafe batch.deleteAll(
            store.family(.rewrites),
            from: RowKey.group(group),
            to: RowKey.rewrite(group, position, Int(UInt32.max))
        )
        do throws(JournalError) {
            try store.write(batch)
        } catch {
            throw Refusal(.unavailable, "what was deleted could not be forgotten: \(error)")
        }
    }

    static func position(_ store: Store) throws(JournalError) -> LogPosition {
        guard let row = try store.get(.meta, RowKey.position) else { return .zero }
        var reader = RowReader(row)
        guard let value = try? reader.unsigned() else {
            throw JournalError(.corrupt, "the position of the store can't be read")
        }
        return LogPosition(value)
    }

    private static func checkFormat(_ store: Store, _ format: UInt8) throws(JournalError) {
        guard let row = try store.get(.meta, RowKey.format) else {
            return try put(store, RowKey.format, [format])
        }
        if row == [FormatVersion.eventByEvent], format == FormatVersion.current {
            return try put(store, RowKey.format, [format])
        }
        guard row == [format] else {
            throw JournalError(
                .newerFormat,
                "the data directory '\(store.path)' has format \(row.first ?? 0), this server "
                    + "reads format \(format); use the server that wrote it"
            )
        }
    }

    private static func hashKey(_ store: Store) throws(JournalError) -> StableHash {
        if let row = try store.get(.meta, RowKey.hashKey), row.count == 16 {
            let words = unsafe row.withUnsafeBytes { bytes in
                (
                    unsafe bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                    unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                )
            }
            return StableHash(key: words)
        }
        var random = SystemRandomNumberGenerator()
        let words: (UInt64, UInt64) = (random.next(), random.next())
        var row: [UInt8] = []
        for word in [words.0, words.1] {
            for byte in 0..<8 { row.append(UInt8(truncatingIfNeeded: word >> UInt64(byte * 8))) }
        }
        try put(store, RowKey.hashKey, row)
        return StableHash(key: words)
    }

    private static func put(
        _ store: Store,
        _ key: [UInt8],
        _ value: [UInt8]
    ) throws(JournalError) {
        let batch = WriteBatch()
        unsafe batch.put(store.family(.meta), key, value.span.bytes)
        try store.write(batch)
    }
}

/// The version of what is on disk.
package enum FormatVersion {
    package static let current: UInt8 = 2

    /// Every event had a row of its own; such rows are read as before.
    static let eventByEvent: UInt8 = 1
}

/// Opens the store of a place, as often as it takes.
private final class StoreOpener: Sendable {
    private let path: String
    private let environment: StoreEnvironment?
    private let mode: Store.Mode

    init(_ place: Journal.Place, _ durability: Durability) throws(JournalError) {
        mode = durability.storeMode
        switch place {
        case .directory(let path):
            self.path = path
            environment = nil
            try DataDirectory.make(path)
        case .memory:
            path = "/bowerbird"
            environment = StoreEnvironment()
        }
    }

    func open(isReadOnly: Bool) throws(JournalError) -> Store {
        try Store(path: path, environment: environment, mode: isReadOnly ? .readOnly : mode)
    }
}
