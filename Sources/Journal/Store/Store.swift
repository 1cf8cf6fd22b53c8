import CRocksDB
import CRocksDBHints
import Glibc
import Primitives
import Synchronization

/// A RocksDB database with our column families.
///
/// The only type that knows RocksDB.
///
/// Writes are synced, unless it was opened otherwise. After a failed write RocksDB takes no more
/// until it is opened again: the owner drops this store and opens another. Reading is safe from any
/// thread.
@safe
final class Store: @unchecked Sendable {
    // SAFETY of `@unchecked`: RocksDB's handles may be used from any thread; they are set in `init`
    // and freed in `deinit`.
    let path: String
    let isReadOnly: Bool
    private let database: OpaquePointer
    private let families: [OpaquePointer]
    private let options: OpaquePointer
    private let eventOptions: OpaquePointer
    private let writes: OpaquePointer
    private let reads: OpaquePointer
    private let environment: OpaquePointer?
    private let cache: OpaquePointer
    private let snapshots = Mutex<[WeakSnapshot]>([])

    private struct WeakSnapshot {
        weak let snapshot: StoreSnapshot?
    }

    /// How a store is opened.
    enum Mode {
        /// A write is on disk when it returns.
        case synced
        /// A write is the system's; `syncLog` brings it to the disk.
        case unsynced
        /// It must be there, and is only read; others may have it open.
        case readOnly
    }

    /// Opens what is at `path`, or makes it.
    ///
    /// - Throws: `inUse` when another process has it, `corrupt` when its log is damaged in the
    ///   middle.
    init(
        path: String,
        environment: StoreEnvironment?,
        mode: Mode = .synced
    ) throws(JournalError) {
        self.path = path
        isReadOnly = mode == .readOnly
        if environment == nil, let damage = LogCheck.damage(in: path, isThorough: false) {
            throw Self.damaged(path, "'\(damage.file)' is damaged at byte \(damage.byte)")
        }
        unsafe cache = rocksdb_cache_create_lru(Limits.storeCacheBytes)
        unsafe options = Self.makeOptions(cache, environment)
        unsafe eventOptions = Self.makeEventOptions(options)
        unsafe self.environment = environment?.handle
        var familyOptions = unsafe [OpaquePointer?](
            repeating: options,
            count: ColumnFamily.allCases.count
        )
        unsafe familyOptions[ColumnFamily.events.index] = unsafe eventOptions
        var handles = unsafe [OpaquePointer?](repeating: nil, count: ColumnFamily.allCases.count)
        var error: UnsafeMutablePointer<CChar>?
        let names = unsafe ColumnFamily.allCases.map { unsafe strdup($0.rawValue) }
        var constNames = unsafe names.map { unsafe UnsafePointer($0) }
        let opened: OpaquePointer?
        if mode == .readOnly {
            unsafe opened = rocksdb_open_for_read_only_column_families(
                options,
                path,
                Int32(names.count),
                &constNames,
                familyOptions,
                &handles,
                0,
                &error
            )
        } else {
            unsafe opened = rocksdb_open_column_families(
                options,
                path,
                Int32(names.count),
                &constNames,
                familyOptions,
                &handles,
                &error
            )
        }
        unsafe names.forEach { unsafe free($0) }
        guard let opened = unsafe opened, unsafe error == nil else {
            let message = unsafe Self.take(&error)
            unsafe rocksdb_options_destroy(eventOptions)
            unsafe rocksdb_options_destroy(options)
            unsafe rocksdb_cache_destroy(cache)
            throw Self.openFailure(path, message)
        }
        unsafe database = opened
        unsafe families = handles.compactMap { unsafe $0 }
        unsafe writes = rocksdb_writeoptions_create()
        unsafe rocksdb_writeoptions_set_sync(writes, mode == .synced ? 1 : 0)
        unsafe reads = rocksdb_readoptions_create()
    }

    deinit {
        unsafe rocksdb_readoptions_destroy(reads)
        unsafe rocksdb_writeoptions_destroy(writes)
        unsafe families.forEach { unsafe rocksdb_column_family_handle_destroy($0) }
        unsafe rocksdb_close(database)
        unsafe rocksdb_options_destroy(eventOptions)
        unsafe rocksdb_options_destroy(options)
        unsafe rocksdb_cache_destroy(cache)
    }

    private static func makeOptions(
        _ cache: OpaquePointer,
        _ environment: StoreEnvironment?
    ) -> OpaquePointer {
        guard let options = unsafe rocksdb_options_create() else {
            preconditionFailure("out of memory")
        }
        unsafe rocksdb_options_set_create_if_missing(options, 1)
        unsafe rocksdb_options_set_create_missing_column_families(options, 1)
        // 0 tolerates a torn tail, which was never acknowledged, and refuses damage in the middle.
        // The default silently drops everything behind such damage.
        unsafe rocksdb_options_set_wal_recovery_mode(options, 0)
        unsafe rocksdb_options_set_db_write_buffer_size(options, Limits.storeMemtableBytes)
        unsafe rocksdb_options_set_max_total_wal_size(options, UInt64(Limits.storeLogBytes))
        unsafe rocksdb_options_set_max_open_files(options, 256)
        // There is one writer: nothing to yield to.
        unsafe rocksdb_options_set_allow_concurrent_memtable_write(options, 0)
        unsafe rocksdb_options_set_enable_write_thread_adaptive_yield(options, 0)
        // RocksDB's log of its own doings (a file `LOG`) stays empty: Debian's build ends the
        // process by an assertion when it writes a second line there on a full disk.
        unsafe rocksdb_options_set_info_log_level(options, 4)
        unsafe rocksdb_options_set_keep_log_file_num(options, 4)
        unsafe rocksdb_options_set_max_background_jobs(options, 2)
        let table = unsafe rocksdb_block_based_options_create()
        unsafe rocksdb_block_based_options_set_block_cache(table, cache)
        unsafe rocksdb_block_based_options_set_filter_policy(
            table,
            rocksdb_filterpolicy_create_bloom_full(10)
        )
        unsafe rocksdb_options_set_block_based_table_factory(options, table)
        unsafe rocksdb_block_based_options_destroy(table)
        if let environment { unsafe rocksdb_options_set_env(options, environment.handle) }
        return unsafe options
    }

    /// The events' rows come in runs of one owner, whose keys are neighbours: a search that begins
    /// where the last one of 256 owners ended is short.
    private static func makeEventOptions(_ options: OpaquePointer) -> OpaquePointer {
        guard let copy = unsafe rocksdb_options_create_copy(options) else {
            preconditionFailure("out of memory")
        }
        // Without it writes are slower, nothing else.
        _ = unsafe bowerbird_rocksdb_hint_inserts(
            copy,
            EventKey.byteCount,
            EventKey.neighbourhoodBytes
        )
        return unsafe copy
    }

    private static func openFailure(_ path: String, _ message: String) -> JournalError {
        if message.contains("lock") {
            return JournalError(
                .inUse,
                "the data directory '\(path)' is used by another process; stop it, or choose "
                    + "another "
                    + "directory (\(message))"
            )
        }
        guard message.hasPrefix("Corruption") else {
            return JournalError(
                .io,
                "the data directory '\(path)' can't be opened: \(message); make room or make it "
                    + "readable and writable, then try again"
            )
        }
        guard !message.contains(".sst"),
            let damage = LogCheck.damage(in: path, isThorough: true)
        else { return damaged(path, message) }
        return damaged(path, "'\(damage.file)' is damaged at byte \(damage.byte) (\(message))")
    }

    private static func damaged(_ path: String, _ what: String) -> JournalError {
        JournalError(
            .corrupt,
            "the data directory '\(path)' can't be used: \(what); nothing was changed; restore a "
                + "backup, or move the directory away"
        )
    }

    /// What went wrong with a store that is open.
    private func failure(_ message: String) -> JournalError {
        message.hasPrefix("Corruption") ? Self.damaged(path, message) : JournalError(.io, message)
    }

    // MARK: Writing

    /// Writes the batch, all of it or nothing; durable when it returns, in the mode `synced`.
    func write(_ batch: WriteBatch) throws(JournalError) {
        // RocksDB would count each comparison of keys for this thread; nobody asks.
        rocksdb_set_perf_level(CInt(rocksdb_disable))
        var error: UnsafeMutablePointer<CChar>?
        unsafe rocksdb_write(database, writes, batch.handle, &error)
        if unsafe error != nil { throw failure(unsafe Self.take(&error)) }
    }

    /// Makes all writes so far durable; others go on meanwhile.
    func syncLog() throws(JournalError) {
        var error: UnsafeMutablePointer<CChar>?
        unsafe rocksdb_flush_wal(database, 1, &error)
        if unsafe error != nil { throw failure(unsafe Self.take(&error)) }
    }

    /// Makes a database of its own at `path`, where nothing may be, of all that was written before.
    ///
    /// Tables are linked, or copied to another file system; others read and write meanwhile. When
    /// it fails, nothing is at `path`.
    func copy(to path: String) throws(JournalError) {
        var error: UnsafeMutablePointer<CChar>?
        let checkpoint = unsafe rocksdb_checkpoint_object_create(database, &error)
        if unsafe error != nil { throw failure(unsafe Self.take(&error)) }
        defer { unsafe rocksdb_checkpoint_object_destroy(checkpoint) }
        // 0: what is in memory is written to a table first.
        unsafe rocksdb_checkpoint_create(checkpoint, path, 0, &error)
        if unsafe error != nil { throw failure(unsafe Self.take(&error)) }
    }

    /// Writes all that is in memory to tables, so that the log is not needed, and the tables anew
    /// without what was deleted.
    ///
    /// - Returns: False when a snapshot made it keep old rows.
    func rewrite() throws(JournalError) -> Bool {
        var error: UnsafeMutablePointer<CChar>?
        let flush = unsafe rocksdb_flushoptions_create()
        defer { unsafe rocksdb_flushoptions_destroy(flush) }
        unsafe rocksdb_flushoptions_set_wait(flush, 1)
        let compact = unsafe rocksdb_compactoptions_create()
        defer { unsafe rocksdb_compactoptions_destroy(compact) }
        // Also the lowest level, where the old rows are.
        unsafe rocksdb_compactoptions_set_bottommost_level_compaction(compact, 2)
        for index in unsafe families.indices {
            unsafe rocksdb_flush_cf(database, flush, families[index], &error)
            if unsafe error != nil { throw failure(unsafe Self.take(&error)) }
        }
        let isFree = snapshotCount == 0
        for index in unsafe families.indices {
            unsafe rocksdb_compact_range_cf_opt(database, families[index], compact, nil, 0, nil, 0)
        }
        return isFree && snapshotCount == 0
    }

    private var snapshotCount: Int {
        guard let text = unsafe rocksdb_property_value(database, "rocksdb.num-snapshots") else {
            return 0
        }
        defer { unsafe rocksdb_free(text) }
        return Int(unsafe String(cString: text)) ?? 0
    }

    /// What RocksDB keeps in memory: writes that are in no table yet, and parts of tables.
    var memoryByteCount: Int {
        func sum(_ property: String) -> Int {
            var bytes = 0
            for index in unsafe families.indices {
                var value: UInt64 = 0
                let family = unsafe families[index]
                guard unsafe rocksdb_property_int_cf(database, family, property, &value) == 0
                else { continue }
                bytes += Int(clamping: value)
            }
            return bytes
        }
        let buffers = sum("rocksdb.cur-size-all-mem-tables")
        let readers = sum("rocksdb.estimate-table-readers-mem")
        // One cache for all families.
        return buffers + readers + Int(clamping: unsafe rocksdb_cache_get_usage(cache))
    }

    func family(_ family: ColumnFamily) -> OpaquePointer { unsafe families[family.index] }

    // MARK: Reading

    func get(_ family: ColumnFamily, _ key: [UInt8]) throws(JournalError) -> [UInt8]? {
        var error: UnsafeMutablePointer<CChar>?
        var count = 0
        let value = unsafe key.withUnsafeBytes { key in
            unsafe rocksdb_get_cf(
                database,
                reads,
                self.family(family),
                key.baseAddress?.assumingMemoryBound(to: CChar.self),
                key.count,
                &count,
                &error
            )
        }
        if unsafe error != nil { throw failure(unsafe Self.take(&error)) }
        guard let value = unsafe value else { return nil }
        defer { unsafe rocksdb_free(value) }
        return unsafe Array(UnsafeRawBufferPointer(start: value, count: count))
    }

    /// Calls `body` with every row of a family whose key begins with `prefix`, in order of keys.
    ///
    /// `body` returns false to stop. With `snapshot`, as of it. With `start`, not before it;
    /// backwards, from the last key of the prefix on, or from the last below `start`.
    func scan(
        _ family: ColumnFamily,
        prefix: [UInt8] = [],
        from start: [UInt8] = [],
        snapshot: OpaquePointer? = nil,
        backwards: Bool = false,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer)
            throws(JournalError)
            -> Bool
    ) throws(JournalError) {
        let options = unsafe rocksdb_readoptions_create()
        defer { unsafe rocksdb_readoptions_destroy(options) }
        if let snapshot = unsafe snapshot {
            unsafe rocksdb_readoptions_set_snapshot(options, snapshot)
        }
        if prefix.isEmpty {
            unsafe rocksdb_readoptions_set_readahead_size(options, 2 << 20)
            unsafe rocksdb_readoptions_set_fill_cache(options, 0)
        }
        guard
            let iterator = unsafe rocksdb_create_iterator_cf(
                database,
                options,
                self.family(family)
            )
        else { return }
        defer { unsafe rocksdb_iter_destroy(iterator) }
        let first = start.isEmpty ? (backwards ? Self.end(prefix) : prefix) : start
        unsafe Self.seek(iterator, first, backwards)
        while unsafe rocksdb_iter_valid(iterator) != 0 {
            var keyCount = 0
            var valueCount = 0
            let key = unsafe rocksdb_iter_key(iterator, &keyCount)
            let value = unsafe rocksdb_iter_value(iterator, &valueCount)
            let keyBytes = unsafe UnsafeRawBufferPointer(start: key, count: keyCount)
            guard unsafe keyBytes.starts(with: prefix) else { break }
            let valueBytes = unsafe UnsafeRawBufferPointer(start: value, count: valueCount)
            guard unsafe try body(keyBytes, valueBytes) else { return }
            unsafe backwards ? rocksdb_iter_prev(iterator) : rocksdb_iter_next(iterator)
        }
        var error: UnsafeMutablePointer<CChar>?
        unsafe rocksdb_iter_get_error(iterator, &error)
        if unsafe error != nil { throw failure(unsafe Self.take(&error)) }
    }

    /// At `key` or the first behind it; backwards, the last before it.
    private static func seek(_ iterator: OpaquePointer, _ key: [UInt8], _ backwards: Bool) {
        guard backwards else { return unsafe seekForward(iterator, key) }
        guard !key.isEmpty else { return unsafe rocksdb_iter_seek_to_last(iterator) }
        unsafe seekForward(iterator, key)
        if unsafe rocksdb_iter_valid(iterator) != 0 {
            unsafe rocksdb_iter_prev(iterator)
        } else {
            unsafe rocksdb_iter_seek_to_last(iterator)
        }
    }

    private static func seekForward(_ iterator: OpaquePointer, _ key: [UInt8]) {
        unsafe key.withUnsafeBytes { bytes in
            unsafe rocksdb_iter_seek(
                iterator,
                bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
                bytes.count
            )
        }
    }

    /// The first key behind all that begin with `prefix`; empty when there is none.
    static func end(_ prefix: [UInt8]) -> [UInt8] {
        var end = prefix
        while let last = end.last, last == 0xFF { end.removeLast() }
        if !end.isEmpty { end[end.count - 1] += 1 }
        return end
    }

    /// A frozen view of all families; keeps the store open until it is gone or revoked.
    func makeSnapshot() -> StoreSnapshot {
        let snapshot = unsafe StoreSnapshot(self, rocksdb_create_snapshot(database))
        snapshots.withLock { snapshots in
            snapshots.removeAll { $0.snapshot == nil }
            snapshots.append(WeakSnapshot(snapshot: snapshot))
        }
        return snapshot
    }

    /// Takes every frozen view from its reader, so that the store can be opened again.
    ///
    /// Waits for the row that each is at.
    func revokeSnapshots() {
        let all = snapshots.withLock { $0.compactMap(\.snapshot) }
        for snapshot in all { snapshot.revoke() }
    }

    func release(_ snapshot: OpaquePointer?) {
        unsafe rocksdb_release_snapshot(database, snapshot)
    }

    private static func take(_ error: inout UnsafeMutablePointer<CChar>?) -> String {
        guard let text = unsafe error else { return "unknown error" }
        defer {
            unsafe rocksdb_free(text)
            unsafe error = nil
        }
        return unsafe String(cString: text)
    }
}

/// Where a store's files are: on disk by default, in memory with this.
///
/// Outlives every store that was opened on it, so a store can be opened again.
@safe
final class StoreEnvironment: @unchecked Sendable {
    // SAFETY of `@unchecked`: RocksDB's environments may be used from any thread.
    let handle: OpaquePointer?

    /// Files in memory.
    init() {
        unsafe handle = rocksdb_create_mem_env()
    }

    deinit {
        unsafe rocksdb_env_destroy(handle)
    }
}
