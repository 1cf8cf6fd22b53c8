import Engine
import Primitives

/// What was done to histories that are older, as they were before it.
///
/// Rows tell what is, and a model whose artifact is older than a join or a deletion must be told
/// what was: its live part knows the session's history and the user's, not the joined one, and what
/// is deleted since. So a restart begins with these histories and does the same to them where the
/// log did. Kept while an artifact is older. No id stands in it.
struct HistoryRewrite {
    /// The place of an event in the log, which no other event has.
    struct Entry: Hashable {
        var position: LogPosition
        var ordinal: UInt16
    }

    enum Kind {
        case joined(HistoryJoin)
        /// An owner is gone with all of its events.
        case ownerErased(UserIndex, [StoredEvent])
        case eventErased(UserIndex, StoredEvent)
        /// Events on an item count no more; those at or below `after` did not before.
        case itemErased(ItemIndex, after: LogPosition)
    }

    var group: GroupIndex
    var position: LogPosition
    var kind: Kind

    /// Events of the same write below it came before it.
    var ordinal: Int {
        guard case .joined(let join) = kind else { return 0 }
        return (join.ofSession + join.ofUser).filter { $0.position == position }
            .map { Int($0.ordinal) + 1 }.max() ?? 0
    }

    /// Whose histories it changes, as far as it names them.
    var owners: [UserIndex] {
        switch kind {
        case .joined(let join): [join.session, join.user]
        case .ownerErased(let owner, _), .eventErased(let owner, _): [owner]
        case .itemErased: []
        }
    }

    /// Whether `before` is all that an owner had.
    var isWhole: Bool {
        switch kind {
        case .joined, .ownerErased: true
        case .eventErased, .itemErased: false
        }
    }

    /// What an owner had before it.
    func before(_ owner: UserIndex) -> [Entry] {
        switch kind {
        case .joined(let join): owner == join.session ? join.ofSession : join.ofUser
        case .ownerErased(_, let events): events.map(Entry.init)
        case .eventErased(_, let event): [Entry(event)]
        case .itemErased: []
        }
    }

    /// What an owner had after it; `nil`: what it had before, but for single events.
    func after(_ owner: UserIndex) -> Set<Entry>? {
        switch kind {
        case .joined(let join): owner == join.user ? Set(join.ofSession + join.ofUser) : []
        case .ownerErased: []
        case .eventErased, .itemErased: nil
        }
    }

    /// The events that no row has any more.
    var erased: [(owner: UserIndex, event: StoredEvent)] {
        switch kind {
        case .ownerErased(let owner, let events): events.map { (owner, $0) }
        case .eventErased(let owner, let event): [(owner, event)]
        case .joined, .itemErased: []
        }
    }
}

/// The join of a session with events, or of a user who was merged into another.
struct HistoryJoin {
    /// Or the user who was merged.
    var session: UserIndex
    var user: UserIndex
    var isMerge = false
    /// Oldest first.
    var ofSession: [HistoryRewrite.Entry]
    var ofUser: [HistoryRewrite.Entry]

    init(
        session: UserIndex,
        user: UserIndex,
        isMerge: Bool = false,
        ofSession: [HistoryRewrite.Entry],
        ofUser: [HistoryRewrite.Entry]
    ) {
        self.session = session
        self.user = user
        self.isMerge = isMerge
        self.ofSession = ofSession
        self.ofUser = ofUser
    }

    /// The join that made `merged`, the history of `user` afterwards.
    init(session: UserIndex, user: UserIndex, merged: [StoredEvent]) {
        func entries(_ isOfSession: Bool) -> [HistoryRewrite.Entry] {
            merged.filter { ($0.isMoved && $0.session == session) == isOfSession }
                .map(HistoryRewrite.Entry.init)
        }
        self.init(
            session: session,
            user: user,
            ofSession: entries(true),
            ofUser: entries(false)
        )
    }
}

extension HistoryRewrite.Entry {
    init(_ event: StoredEvent) {
        self.init(position: event.position, ordinal: event.ordinal)
    }
}

// MARK: Rows

extension HistoryRewrite {
    /// What stands first in a row; others may follow.
    private enum Tag {
        static let joined: UInt8 = 1
        static let ownerErased: UInt8 = 2
        static let eventErased: UInt8 = 3
        static let itemErased: UInt8 = 4
        static let merged: UInt8 = 5
    }

    static func write(_ kind: Kind, to row: RowWriter) {
        switch kind {
        case .joined(let join):
            row.bytes.append(join.isMerge ? Tag.merged : Tag.joined)
            row.put(UInt64(join.session.rawValue))
            row.put(UInt64(join.user.rawValue))
            for entries in [join.ofSession, join.ofUser] {
                row.put(entries) { row, entry in
                    row.put(entry.position.rawValue)
                    row.put(UInt64(entry.ordinal))
                }
            }
        case .ownerErased(let owner, let events):
            row.bytes.append(Tag.ownerErased)
            row.put(UInt64(owner.rawValue))
            row.put(events) { $0.putErased($1) }
        case .eventErased(let owner, let event):
            row.bytes.append(Tag.eventErased)
            row.put(UInt64(owner.rawValue))
            row.putErased(event)
        case .itemErased(let item, let after):
            row.bytes.append(Tag.itemErased)
            row.put(UInt64(item.rawValue))
            row.put(after.rawValue)
        }
    }

    init(
        _ group: GroupIndex,
        _ position: LogPosition,
        _ reader: inout RowReader
    ) throws(RowReader.Damaged) {
        self.group = group
        self.position = position
        switch try reader.byte() {
        case Tag.joined:
            kind = .joined(try HistoryJoin(&reader))
        case Tag.merged:
            var join = try HistoryJoin(&reader)
            join.isMerge = true
            kind = .joined(join)
        case Tag.ownerErased:
            let owner = UserIndex(try reader.narrow(UInt32.self))
            let events = try reader.list { (reader) throws(RowReader.Damaged) in
                try reader.erased(group, owner)
            }
            kind = .ownerErased(owner, events)
        case Tag.eventErased:
            let owner = UserIndex(try reader.narrow(UInt32.self))
            kind = .eventErased(owner, try reader.erased(group, owner))
        case Tag.itemErased:
            let item = ItemIndex(try reader.narrow(UInt32.self))
            kind = .itemErased(item, after: LogPosition(try reader.unsigned()))
        default:
            throw RowReader.Damaged()
        }
    }
}

extension HistoryJoin {
    fileprivate init(_ reader: inout RowReader) throws(RowReader.Damaged) {
        func entries(
            _ reader: inout RowReader
        ) throws(RowReader.Damaged) -> [HistoryRewrite.Entry] {
            try reader.list { (reader) throws(RowReader.Damaged) in
                HistoryRewrite.Entry(
                    position: LogPosition(try reader.unsigned()),
                    ordinal: try reader.narrow(UInt16.self)
                )
            }
        }
        session = UserIndex(try reader.narrow(UInt32.self))
        user = UserIndex(try reader.narrow(UInt32.self))
        ofSession = try entries(&reader)
        ofUser = try entries(&reader)
    }
}

extension RowWriter {
    /// An event whose row goes, without any id.
    fileprivate func putErased(_ event: StoredEvent) {
        put(event.record.occurredAt.milliseconds)
        put(event.position.rawValue)
        put(UInt64(event.ordinal))
        put(event.withoutIDs)
    }
}

extension RowReader {
    fileprivate mutating func erased(
        _ group: GroupIndex,
        _ owner: UserIndex
    ) throws(Damaged) -> StoredEvent {
        let time = Timestamp(milliseconds: try signed())
        let position = LogPosition(try unsigned())
        let ordinal = try narrow(UInt16.self)
        return try event(
            EventKey(
                group: group,
                owner: owner,
                time: time,
                position: position,
                ordinal: ordinal
            )
        )
    }
}

extension StoredEvent {
    /// What a history keeps of it.
    fileprivate var withoutIDs: StoredEvent {
        var kept = EventRecord(eventType: "", occurredAt: record.occurredAt)
        kept.eventValue = record.eventValue
        kept.properties.values = record.properties.values
        return StoredEvent(
            position: position,
            ordinal: ordinal,
            item: item,
            type: type,
            record: kept,
            session: nil,
            generation: generation
        )
    }
}
