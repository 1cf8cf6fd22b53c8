import CRocksDB
import Synchronization

/// A frozen view; keeps its store open until it is gone or revoked.
@safe
final class StoreSnapshot: Sendable {
    /// SAFETY of `@unchecked`: reached through the lock only.
    @safe
    private struct Held: @unchecked Sendable {
        let store: Store
        let handle: OpaquePointer?
    }

    private let held: Mutex<Held?>
    private let isRevoked = Atomic(false)

    init(_ store: Store, _ handle: OpaquePointer?) {
        unsafe held = Mutex(Held(store: store, handle: handle))
    }

    deinit {
        held.withLock { Self.release(&$0) }
    }

    /// As `Store.scan`, as of this view.
    ///
    /// - Throws: `snapshotRevoked` when the store had to be opened again.
    func scan(
        _ family: ColumnFamily,
        prefix: [UInt8] = [],
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer)
            throws(JournalError)
            -> Bool
    ) throws(JournalError) {
        let revoked = JournalError(
            .snapshotRevoked,
            "the store was opened again since the snapshot was made"
        )
        // The lock is held throughout: whoever revokes waits for one row.
        try held.withLock { (held) throws(JournalError) in
            guard let held else { throw revoked }
            try unsafe held.store.scan(family, prefix: prefix, snapshot: held.handle) {
                (key, value) throws(JournalError) in
                if isRevoked.load(ordering: .relaxed) { throw revoked }
                return unsafe try body(key, value)
            }
        }
    }

    /// Lets go of the store; a scan that is running ends at its next row.
    func revoke() {
        isRevoked.store(true, ordering: .relaxed)
        held.withLock { Self.release(&$0) }
    }

    private static func release(_ held: inout Held?) {
        guard let open = held else { return }
        unsafe open.store.release(open.handle)
        held = nil
    }
}
