import Engine
package import Primitives
package import Resources
import Synchronization

/// Deletions as rows: what goes, and the marks that stay, of which none holds an id.
extension RowEncoder {
    /// Models that are older know what goes: that stays a while, without ids, for them to forget.
    func add(
        _ effect: ErasureEffect,
        at writePosition: LogPosition,
        _ place: Int,
        to batch: WriteBatch
    ) throws(JournalError) {
        switch effect {
        case .owner(let group, let owner, let events):
            let key = RowKey.owner(group, owner)
            unsafe batch.deleteAll(store.family(.events), prefix: key)
            // The record that was put, and those in bulk behind it.
            unsafe batch.deleteAll(store.family(.users), prefix: key)
            unsafe batch.delete(store.family(.sessions), key)
            unsafe batch.delete(store.family(.eventIDs), key)
            for id in events.eventIDs { markErased(group, id, to: batch) }
            putRewrite(
                .ownerErased(owner, events.all),
                RowKey.rewrite(group, writePosition, place),
                to: batch
            )
            // The index stays taken: the kind is kept, the id is not.
            let row = begin()
            row.put(UInt64(OwnerKind.user.rawValue))
            row.put("")
            put(.names, RowKey.name(group, .owner, owner.rawValue), row, to: batch)
        case .event(let group, let owner, let event):
            // All that is stored was written before: a deletion stands alone.
            try EventRows(store: store, group: group, owner: owner)
                .remove(EventKey(group, owner, event), with: runs, in: batch)
            putRewrite(
                .eventErased(owner, event),
                RowKey.rewrite(group, writePosition, place),
                to: batch
            )
            markErased(group, event.identifier(group, owner), to: batch)
        case .item(let group, let item, let position, let after, let generations):
            let key = RowKey.entity(group, item.rawValue)
            unsafe batch.delete(store.family(.items), key)
            for generation in generations {
                let key = RowKey.bulkEntity(group, item.rawValue, generation)
                unsafe batch.delete(store.family(.items), key)
            }
            let row = begin()
            row.put(position.rawValue)
            put(.itemDeletions, key, row, to: batch)
            putRewrite(
                .itemErased(item, after: after),
                RowKey.rewrite(group, writePosition, place),
                to: batch
            )
        case .historyReread:
            break
        case .recorded(let group, let record):
            let row = begin()
            row.put(UInt64(group.rawValue))
            row.put(UInt64(record.kind.rawValue))
            row.put(record.high)
            row.put(record.low)
            row.put(record.at.milliseconds)
            put(.audit, RowKey.erasure(record), row, to: batch)
        }
    }

    private func markErased(_ group: GroupIndex, _ eventID: String, to batch: WriteBatch) {
        put(.eventIDs, RowKey.eventID(group, eventID, hash), begin(), to: batch)
    }
}

extension RowKey {
    static func erasure(_ record: ErasureRecord) -> [UInt8] {
        var key: [UInt8] = []
        append(record.position.rawValue, 8, to: &key)
        append(UInt64(record.ordinal), 4, to: &key)
        return key
    }
}

extension Recovery {
    /// Before any event is applied.
    ///
    /// Of an item that is deleted among the `rewrites`, it is what held before them.
    func applyErasures(
        _ rewrites: [HistoryRewrite],
        _ effects: inout [Effect]
    ) throws(JournalError) {
        var before: [GroupIndex: [ItemIndex: LogPosition]] = [:]
        for rewrite in rewrites {
            guard case .itemErased(let item, let after) = rewrite.kind,
                before[rewrite.group]?[item] == nil
            else { continue }
            before[rewrite.group, default: [:]][item] = after
        }
        try unsafe store.scan(.itemDeletions) { (key, value) throws(JournalError) in
            var reader = unsafe RowReader(value)
            guard key.count == 8, let last = try? reader.unsigned() else {
                throw unsafe damaged(.itemDeletions, key)
            }
            let group = GroupIndex(UInt32(truncatingIfNeeded: unsafe RowKey.read(key, 0, 4)))
            let item = ItemIndex(UInt32(truncatingIfNeeded: unsafe RowKey.read(key, 4, 4)))
            let position = before[group]?[item] ?? LogPosition(last)
            guard position > .zero else { return true }
            effects.append(
                .erased(
                    .item(group, item, through: position, after: .zero, generations: [])
                )
            )
            return true
        }
        try Self.forEachErasure(store) { group, record in
            effects.append(.erased(.recorded(group, record)))
        }
    }

    static func forEachErasure(
        _ store: Store,
        _ body: (GroupIndex, ErasureRecord) -> Void
    ) throws(JournalError) {
        try unsafe store.scan(.audit) { (key, value) throws(JournalError) in
            var reader = unsafe RowReader(value)
            do throws(RowReader.Damaged) {
                guard key.count == 12 else { throw RowReader.Damaged() }
                let group = GroupIndex(try reader.narrow(UInt32.self))
                guard let kind = ErasureRecord.Kind(rawValue: try reader.narrow(UInt8.self))
                else { throw RowReader.Damaged() }
                body(
                    group,
                    ErasureRecord(
                        kind: kind,
                        high: try reader.unsigned(),
                        low: try reader.unsigned(),
                        at: Timestamp(milliseconds: try reader.signed()),
                        position: LogPosition(unsafe RowKey.read(key, 0, 8)),
                        ordinal: UInt32(truncatingIfNeeded: unsafe RowKey.read(key, 8, 4))
                    )
                )
            } catch {
                throw JournalError(.corrupt, "a row of the audit can't be read")
            }
            return true
        }
    }
}

extension Journal {
    /// The newest deletion in each group.
    ///
    /// Before the writer's thread starts.
    package func lastErasures() throws(JournalError) -> [GroupIndex: LogPosition] {
        var last: [GroupIndex: LogPosition] = [:]
        guard let store = writer.readable.withLock({ $0 }) else { return [:] }
        try Recovery.forEachErasure(store) { group, record in
            last[group] = max(last[group] ?? .zero, record.position)
        }
        return last
    }

    /// Up to which position nothing of what was deleted is left in the files.
    package func erasedThrough() throws(JournalError) -> LogPosition {
        guard let store = writer.readable.withLock({ $0 }),
            let row = try store.get(.meta, RowKey.erased)
        else { return .zero }
        var reader = RowReader(row)
        return (try? reader.unsigned()).map { LogPosition($0) } ?? .zero
    }

    /// Remembers what `eraseFromDisk` has done.
    ///
    /// On the writer's thread; when it fails, the same is done again after a restart.
    package func markErased(through position: LogPosition) {
        guard let store = try? writer.currentStore() else { return }
        let row = RowWriter()
        row.put(position.rawValue)
        let batch = WriteBatch()
        unsafe batch.put(store.family(.meta), RowKey.erased, row.bytes.bytes)
        try? store.write(batch)
    }

    /// Rewrites the files so that nothing of what was deleted is left in any, the log included.
    ///
    /// Takes as long as reading and writing all records does; others go on meanwhile.
    ///
    /// - Returns: False when a snapshot still held old rows, as a training's: try again later.
    package func eraseFromDisk() throws(Refusal) -> Bool {
        guard let store = writer.readable.withLock({ $0 }), !store.isReadOnly else {
            throw Refusal(.unavailable, "the store is shut since it could not write")
        }
        do throws(JournalError) {
            return try store.rewrite()
        } catch {
            throw Refusal(.unavailable, "the store could not be rewritten: \(error)")
        }
    }
}
