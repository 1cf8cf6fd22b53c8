import Engine
package import Primitives
package import Resources

/// Deletes rows of bulk generations that nobody reads, some at a time.
///
/// Nothing that a reader sees changes, so this is no write of the log. Confined to the writer's
/// thread.
package final class BulkSweep: @unchecked Sendable {
    // SAFETY of `@unchecked`: only work on the writer's thread touches it.
    private let writer: Writer
    private let group: GroupIndex
    private let kind: DatasetKind
    private let keeps: @Sendable (UInt32) -> Bool
    private var next: [UInt8]

    init(
        writer: Writer,
        group: GroupIndex,
        kind: DatasetKind,
        keeps: @escaping @Sendable (UInt32) -> Bool
    ) {
        self.writer = writer
        self.group = group
        self.kind = kind
        self.keeps = keeps
        next = RowKey.group(group)
    }

    /// Looks at some rows more.
    ///
    /// - Returns: Whether there are others.
    package func step() throws(Refusal) -> Bool {
        let store = try writer.currentStore()
        let batch = WriteBatch()
        let family: ColumnFamily =
            switch kind {
            case .interactions: .events
            case .items: .items
            case .users: .users
            }
        var count = 0
        var hasMore = false
        do throws(JournalError) {
            try unsafe store.scan(family, prefix: RowKey.group(group), from: next) { key, value in
                if count == Limits.bulkChunkRowsMax {
                    next = unsafe Array(key)
                    hasMore = true
                    return false
                }
                count += 1
                let generation = unsafe generation(key, value)
                if generation != 0 && !keeps(generation) {
                    unsafe batch.delete(store.family(family), Array(key))
                }
                return true
            }
            try store.write(batch)
        } catch {
            throw Refusal(.unavailable, "the store could not be swept: \(error)")
        }
        return hasMore
    }

    private func generation(
        _ key: UnsafeRawBufferPointer,
        _ value: UnsafeRawBufferPointer
    ) -> UInt32 {
        guard kind == .interactions else {
            return key.count == 12
                ? UInt32(truncatingIfNeeded: unsafe RowKey.read(key, 8, 4)) : 0
        }
        guard let eventKey = unsafe EventKey(key) else { return 0 }
        var reader = unsafe RowReader(value)
        return (try? reader.event(eventKey))?.generation ?? 0
    }
}

extension Journal {
    /// A sweep of the bulk rows of one dataset.
    package func bulkSweep(
        _ group: GroupIndex,
        _ kind: DatasetKind,
        keeps: @escaping @Sendable (UInt32) -> Bool
    ) -> BulkSweep {
        BulkSweep(writer: writer, group: group, kind: kind, keeps: keeps)
    }
}
