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
    let runs: EventRunWriter

    init(store: Store, hash: StableHash) {
        self.store = store
        self.hash = hash
        runs = EventRunWriter(store: store)
    }

    /// The rows of one mutation.
    ///
    /// Its events go by owner and time, however they came.
    func add(_ effects: Effects, to batch: WriteBatch) throws(JournalError) {
        var events: [(key: EventKey, place: Int)] = []
        var isSorted = true
        func finish() {
            if !isSorted { events.sort { $0.key < $1.key } }
            for (key, place) in events {
                guard case .eventStored(_, _, let event) = effects.effects[place] else { continue }
                put(event, key, to: batch)
            }
            runs.finish(in: batch)
            events.removeAll(keepingCapacity: true)
            isSorted = true
        }
        for (place, effect) in effects.effects.enumerated() {
            if case .eventStored(let group, let owner, let event) = effect {
                let key = EventKey(group, owner, event)
                if let last = events.last, key < last.key { isSorted = false }
                events.append((key, place))
            } else {
                if effect.movesEvents { finish() }
                try add(effect, at: effects.position, place, to: batch)
            }
        }
        finish()
    }

    func begin() -> RowWriter {
        row.bytes.removeAll()
        return row
    }

    /// `place` is the effect's in the mutation at `position`.
    private func add(
        _ effect: Effect,
        at position: LogPosition,
        _ place: Int,
        to batch: WriteBatch
    ) throws(JournalError) {
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
            put([event], group, owner, to: batch)
        case .eventsRestored:
            preconditionFailure("what was read of rows is not written")
        case .sessionJoined(let group, let session, let user):
            putJoin(group, session, user, to: batch)
        case .historyJoined(let group, let session, let user, let merged):
            for owner in [session, user] {
                unsafe batch.deleteAll(store.family(.events), prefix: RowKey.owner(group, owner))
            }
            put(merged, group, user, to: batch)
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
            try add(effect, at: position, place, to: batch)
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
            put(kept + moved, group, into, to: batch)
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

    private func put(
        _ events: [StoredEvent],
        _ group: GroupIndex,
        _ owner: UserIndex,
        to batch: WriteBatch
    ) {
        for event in events { put(event, EventKey(group, owner, event), to: batch) }
        runs.finish(in: batch)
    }

    private func put(_ event: StoredEvent, _ key: EventKey, to batch: WriteBatch) {
        runs.begin(key, in: batch).put(event)
        guard !event.record.eventID.isEmpty else { return }
        let idKey = RowKey.eventID(key.group, event.record.eventID, hash)
        unsafe batch.put(store.family(.eventIDs), idKey, key.bytes.span.bytes)
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

extension Effect {
    /// Whether it concerns rows of events other than those that are stored with it.
    fileprivate var movesEvents: Bool {
        switch self {
        case .historyJoined, .recordsDeleted, .merged, .erased: true
        default: false
        }
    }
}
