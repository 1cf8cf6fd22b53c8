package import Engine
package import Primitives
package import Resources

/// What an export reads beside the events.
extension RecordSnapshot {
    /// The ids of all users and sessions of a group.
    package func ownerIDs(
        of group: GroupIndex
    ) throws(JournalError) -> [UserIndex: String] {
        var ids: [UserIndex: String] = [:]
        var prefix = RowKey.group(group)
        prefix.append(RowKey.NameKind.owner.rawValue)
        try unsafe scan(.names, prefix: prefix) { key, reader throws(RowReader.Damaged) in
            _ = try reader.unsigned()
            let index = UInt32(truncatingIfNeeded: unsafe RowKey.read(key, 5, 4))
            ids[UserIndex(index)] = try reader.text()
            return true
        }
        return ids
    }

    /// Which owners are sessions, by index.
    package func sessions(of group: GroupIndex) throws(JournalError) -> ItemBitmap {
        var sessions = ItemBitmap()
        var prefix = RowKey.group(group)
        prefix.append(RowKey.NameKind.owner.rawValue)
        try unsafe scan(.names, prefix: prefix) { key, reader throws(RowReader.Damaged) in
            guard try reader.unsigned() == UInt64(OwnerKind.session.rawValue) else { return true }
            sessions.insert(Int(unsafe RowKey.read(key, 5, 4)))
            return true
        }
        return sessions
    }

    /// Calls `body` with every record of users or items by index: the one that was put, then the
    /// one that was imported in bulk.
    ///
    /// `body` returns false to stop.
    package func forEachEntity(
        of group: GroupIndex,
        _ kind: DatasetKind,
        _ body: (_ index: UInt32, _ isBulk: Bool, EntityRecord) -> Bool
    ) throws(JournalError) {
        try forEachEntityRow(of: group, kind) { index, isBulk, record, _ in
            body(index, isBulk, record)
        }
    }

    /// The same with the bytes of each row, its key included.
    package func forEachEntityRow(
        of group: GroupIndex,
        _ kind: DatasetKind,
        _ body: (_ index: UInt32, _ isBulk: Bool, EntityRecord, _ byteCount: Int) -> Bool
    ) throws(JournalError) {
        let active = activeGeneration(group, kind)
        let family: ColumnFamily = kind == .users ? .users : .items
        try unsafe scan(family, prefix: RowKey.group(group)) {
            key,
            reader throws(RowReader.Damaged) in
            let isBulk = key.count == 12
            if isBulk, unsafe RowKey.read(key, 8, 4) != UInt64(active) { return true }
            let id = try reader.text()
            let index = UInt32(truncatingIfNeeded: unsafe RowKey.read(key, 4, 4))
            let record = try reader.entity(id: id)
            return body(index, isBulk, record, key.count + reader.byteCount)
        }
    }

    private func scan(
        _ family: ColumnFamily,
        prefix: [UInt8],
        _ body: (UnsafeRawBufferPointer, inout RowReader) throws(RowReader.Damaged) -> Bool
    ) throws(JournalError) {
        try unsafe snapshot.scan(family, prefix: prefix) {
            (key, value) throws(JournalError) in
            var reader = unsafe RowReader(value)
            do throws(RowReader.Damaged) {
                return try unsafe body(key, &reader)
            } catch {
                throw JournalError(.corrupt, "a row of '\(family.rawValue)' can't be read")
            }
        }
    }
}
