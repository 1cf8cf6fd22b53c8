import Engine
import Primitives
import Resources

/// How facts lie on disk: one effect, one row or a few.
///
/// Reuses its memory from row to row.
struct RowEncoder {
    let store: Store
    let hash: StableHash
    private let row = RowWriter()
    let eventKey = ByteWriter(capacity: 32)

    init(store: Store, hash: StableHash) {
        self.store = store
        self.hash = hash
    }

    func begin() -> RowWriter {
        row.bytes.removeAll()
        return row
    }

    /// `place` is the effect's in the mutation at `position`.
    func add(_ effect: Effect, at position: LogPosition, _ place: Int, to batch: WriteBatch) {
        switch effect {
        case .resourceStored(let name, let resource):
            let row = begin()
            row.put(resource)
            put(.resources, RowKey.text(name.text, hash), row, to: batch)
        case .resourceDeleted(let name):
            unsafe batch.delete(store.family(.resources), RowKey.text(name.text, hash))
            unsafe batch.deleteAll(store.family(.jobs), prefix: RowKey.text(name.text, hash))
        case .itemNamed(let group, let item, let id):
            let row = begin()
            row.put(id)
            put(.names, RowKey.name(group, .item, item.rawValue), row, to: batch)
        case .ownerNamed(let group, let owner, let kind, let id):
            let row = begin()
            row.put(UInt64(kind.rawValue))
            row.put(id)
            put(.names, RowKey.name(group, .owner, owner.rawValue), row, to: batch)
        case .eventTypeNamed(let group, let type, let name):
            let row = begin()
            row.put(name)
            put(.names, RowKey.name(group, .eventType, UInt32(type.rawValue)), row, to: batch)
        case .itemStored(let group, let item, let record):
            putEntity(.items, group, item.rawValue, record, to: batch)
        case .userStored(let group, let user, let record):
            putEntity(.users, group, user.rawValue, record, to: batch)
        case .eventStored(let group, let owner, let event):
            putEvent(group, owner, event, to: batch)
        case .eventsRestored:
            preconditionFailure("what was read of rows is not written")
        case .sessionJoined(let group, let session, let user):
            putJoin(group, session, user, to: batch)
        case .historyJoined(let group, let session, let user, let merged):
            for owner in [session, user] {
                unsafe batch.deleteAll(store.family(.events), prefix: RowKey.owner(group, owner))
            }
            for event in merged { putEvent(group, user, event, to: batch) }
            let join = HistoryJoin(session: session, user: user, merged: merged)
            putRewrite(.joined(join), RowKey.rewrite(group, position, place), to: batch)
            putMover(group, session, user, to: batch)
            putJoin(group, session, user, to: batch)
        case .recordsDeleted(let group, let kind):
            deleteRecords(group, kind, to: batch)
            if kind == .interactions {
                let row = begin()
                row.put(position.rawValue)
                put(.meta, RowKey.deletion(group), row, to: batch)
            }
            if kind == nil { unsafe batch.delete(store.family(.meta), RowKey.deletion(group)) }
        case .requestRemembered(let id, let bodyHash, let names, let time):
            let row = begin()
            row.put(id)
            row.put(bodyHash)
            row.put(names) { $0.put($1.text) }
            row.put(time.milliseconds)
            put(.requests, RowKey.text(id, hash), row, to: batch)
        case .requestForgotten(let id):
            unsafe batch.delete(store.family(.requests), RowKey.text(id, hash))
        case .merged(let effect):
            add(effect, at: position, place, to: batch)
        case .erased(let effect):
            add(effect, at: position, place, to: batch)
        case .batchRemembered(let key, let answer):
            let row = begin()
            row.put(answer)
            put(.batches, RowKey.batch(key, answer.batchID), row, to: batch)
        case .batchForgotten(let key, let batchID):
            unsafe batch.delete(store.family(.batches), RowKey.batch(key, batchID))
        case .producerForgotten(let key):
            unsafe batch.deleteAll(store.family(.batches), prefix: RowKey.producer(key))
        case .bulk(let effect):
            add(effect, to: batch)
        }
    }

    func put(
        _ family: ColumnFamily,
        _ key: [UInt8],
        _ row: RowWriter,
        to batch: WriteBatch
    ) {
        unsafe batch.put(store.family(family), key, row.bytes.bytes)
    }

    private func putEntity(
        _ family: ColumnFamily,
        _ group: GroupIndex,
        _ index: UInt32,
        _ record: EntityRecord,
        to batch: WriteBatch
    ) {
        let row = begin()
        row.put(record.id)
        row.put(record)
        put(family, RowKey.entity(group, index), row, to: batch)
    }

    private func add(
        _ effect: MergeEffect,
        at position: LogPosition,
        _ place: Int,
        to batch: WriteBatch
    ) {
        switch effect {
        case .histories(let group, let from, let into, let moved, let kept):
            for owner in [from, into] {
                unsafe batch.deleteAll(store.family(.events), prefix: RowKey.owner(group, owner))
            }
            for event in kept + moved { putEvent(group, into, event, to: batch) }
            let join = HistoryJoin(
                session: from,
                user: into,
                isMerge: true,
                ofSession: moved.map(HistoryRewrite.Entry.init),
                ofUser: kept.map(HistoryRewrite.Entry.init)
            )
            putRewrite(.joined(join), RowKey.rewrite(group, position, place), to: batch)
            putMover(group, from, into, to: batch)
        case .named(let group, let user, let id, let target):
            unsafe batch.deleteAll(store.family(.users), prefix: RowKey.owner(group, user))
            let row = begin()
            row.put(UInt64(OwnerKind.user.rawValue))
            row.put(id)
            row.put(UInt64(target.rawValue))
            put(.names, RowKey.name(group, .owner, user.rawValue), row, to: batch)
            // However many merges follow, the events that this one had are one step away.
            putMover(group, user, target, to: batch)
        }
    }

    /// Where the events of an owner went.
    private func putMover(
        _ group: GroupIndex,
        _ owner: UserIndex,
        _ user: UserIndex,
        to batch: WriteBatch
    ) {
        let row = begin()
        row.put(UInt64(user.rawValue))
        put(.eventIDs, RowKey.entity(group, owner.rawValue), row, to: batch)
    }

    private func putEvent(
        _ group: GroupIndex,
        _ owner: UserIndex,
        _ event: StoredEvent,
        to batch: WriteBatch
    ) {
        let key = EventKey(
            group: group,
            owner: owner,
            time: event.record.occurredAt,
            position: event.position,
            ordinal: event.ordinal
        )
        eventKey.removeAll()
        key.write(to: eventKey)
        let row = begin()
        row.put(event)
        unsafe batch.put(store.family(.events), eventKey.bytes, row.bytes.bytes)
        guard !event.record.eventID.isEmpty else { return }
        let idKey = RowKey.eventID(group, event.record.eventID, hash)
        unsafe batch.put(store.family(.eventIDs), idKey, eventKey.bytes)
    }

    func putRewrite(_ kind: HistoryRewrite.Kind, _ key: [UInt8], to batch: WriteBatch) {
        let row = begin()
        HistoryRewrite.write(kind, to: row)
        put(.rewrites, key, row, to: batch)
    }

    private func putJoin(
        _ group: GroupIndex,
        _ session: UserIndex,
        _ user: UserIndex,
        to batch: WriteBatch
    ) {
        let row = begin()
        row.put(UInt64(user.rawValue))
        put(.sessions, RowKey.entity(group, session.rawValue), row, to: batch)
    }

    private func deleteRecords(_ group: GroupIndex, _ kind: DatasetKind?, to batch: WriteBatch) {
        let families: [ColumnFamily] =
            switch kind {
            case .interactions: [.events, .eventIDs, .sessions, .rewrites, .itemDeletions]
            case .items: [.items]
            case .users: [.users]
            case nil:
                [
                    .events, .eventIDs, .sessions, .rewrites, .items, .users, .names, .batches,
                    .itemDeletions,
                ]
            }
        for family in families {
            unsafe batch.deleteAll(store.family(family), prefix: RowKey.group(group))
        }
    }
}
