package import Primitives
package import Resources

/// What recommendations leave behind, on disk: served lists, packed, by the number of their first;
/// and how often items were shown in vain.
///
/// No part of the log: it may miss what the last second brought.
package final class ServedListStore: Sendable {
    /// How often an item was shown in vain.
    package struct Showing: Hashable, Sendable {
        package var group: GroupIndex
        package var item: ItemIndex
        package var count: UInt32
        /// How often it was chosen.
        package var chosen: UInt32

        package init(group: GroupIndex, item: ItemIndex, count: UInt32, chosen: UInt32 = 0) {
            self.group = group
            self.item = item
            self.count = count
            self.chosen = chosen
        }
    }

    private let writer: Writer

    init(writer: Writer) {
        self.writer = writer
    }

    /// All packed lists, oldest first.
    ///
    /// Before the writer's thread starts.
    package func rows() throws(JournalError) -> [(number: UInt64, row: [UInt8])] {
        var rows: [(UInt64, [UInt8])] = []
        try unsafe scan(.served) { (key, value) in
            guard key.count == 8 else { return }
            rows.append((unsafe RowKey.read(key, 0, 8), unsafe Array(value)))
        }
        return rows
    }

    /// All counts of showings.
    ///
    /// Before the writer's thread starts.
    package func showings() throws(JournalError) -> [Showing] {
        var showings: [Showing] = []
        try unsafe scan(.showings) { (key, value) in
            var reader = unsafe RowReader(value)
            guard key.count == 8, let count = try? reader.narrow(UInt32.self) else { return }
            showings.append(
                Showing(
                    group: GroupIndex(UInt32(unsafe RowKey.read(key, 0, 4))),
                    item: ItemIndex(UInt32(unsafe RowKey.read(key, 4, 4))),
                    count: count,
                    chosen: (try? reader.narrow(UInt32.self)) ?? 0
                )
            )
        }
        return showings
    }

    private func scan(
        _ family: ColumnFamily,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void
    ) throws(JournalError) {
        let store: Store
        do throws(Refusal) {
            store = try writer.currentStore()
        } catch {
            throw JournalError(.io, error.message)
        }
        try unsafe store.scan(family) { (key, value) throws(JournalError) in
            unsafe body(key, value)
            return true
        }
    }

    /// Writes and deletes rows as one.
    ///
    /// On the writer's thread.
    package func write(
        _ rows: [(number: UInt64, row: [UInt8])],
        forgotten: [UInt64],
        showings: [Showing],
        deletedGroups: [GroupIndex]
    ) throws(Refusal) {
        let store = try writer.currentStore()
        let batch = WriteBatch()
        for (number, row) in rows {
            unsafe batch.put(store.family(.served), Self.key(number), row.span.bytes)
        }
        for number in forgotten {
            unsafe batch.delete(store.family(.served), Self.key(number))
        }
        for showing in showings {
            let key = Self.bytes(showing.group.rawValue) + Self.bytes(showing.item.rawValue)
            let row = RowWriter()
            row.put(UInt64(showing.count))
            row.put(UInt64(showing.chosen))
            unsafe batch.put(store.family(.showings), key, row.bytes.bytes)
        }
        for group in deletedGroups {
            unsafe batch.deleteAll(store.family(.showings), prefix: Self.bytes(group.rawValue))
        }
        do throws(JournalError) {
            try store.write(batch)
        } catch {
            throw Refusal(.unavailable, "the served lists could not be stored: \(error)")
        }
    }

    private static func key(_ number: UInt64) -> [UInt8] {
        bytes(UInt32(number >> 32)) + bytes(UInt32(truncatingIfNeeded: number))
    }

    private static func bytes(_ number: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }
}
