import CRocksDB

/// Rows to put and to delete, written as one.
@safe
final class WriteBatch {
    let handle: OpaquePointer

    init() {
        guard let handle = unsafe rocksdb_writebatch_create() else {
            preconditionFailure("out of memory")
        }
        unsafe self.handle = handle
    }

    deinit {
        unsafe rocksdb_writebatch_destroy(handle)
    }

    func put(_ family: OpaquePointer, _ key: RawSpan, _ value: RawSpan) {
        unsafe key.withUnsafeBytes { key in
            unsafe value.withUnsafeBytes { value in
                unsafe rocksdb_writebatch_put_cf(
                    handle,
                    family,
                    key.baseAddress?.assumingMemoryBound(to: CChar.self),
                    key.count,
                    value.baseAddress?.assumingMemoryBound(to: CChar.self),
                    value.count
                )
            }
        }
    }

    func put(_ family: OpaquePointer, _ key: [UInt8], _ value: RawSpan) {
        unsafe put(family, key.span.bytes, value)
    }

    func delete(_ family: OpaquePointer, _ key: [UInt8]) {
        unsafe key.withUnsafeBytes { key in
            unsafe rocksdb_writebatch_delete_cf(
                handle,
                family,
                key.baseAddress?.assumingMemoryBound(to: CChar.self),
                key.count
            )
        }
    }

    /// Deletes every key that begins with `prefix`.
    func deleteAll(_ family: OpaquePointer, prefix: [UInt8]) {
        let end = Store.end(prefix)
        if end.isEmpty { return }
        unsafe deleteAll(family, from: prefix, to: end)
    }

    /// Deletes every key from `start` on and below `end`; `start` is no whole key of an event, see
    /// `Store.makeEventOptions`.
    func deleteAll(_ family: OpaquePointer, from start: [UInt8], to end: [UInt8]) {
        precondition(start.count != EventKey.byteCount, "would be sought among the events' rows")
        unsafe start.withUnsafeBytes { start in
            unsafe end.withUnsafeBytes { end in
                unsafe rocksdb_writebatch_delete_range_cf(
                    handle,
                    family,
                    start.baseAddress?.assumingMemoryBound(to: CChar.self),
                    start.count,
                    end.baseAddress?.assumingMemoryBound(to: CChar.self),
                    end.count
                )
            }
        }
    }
}
