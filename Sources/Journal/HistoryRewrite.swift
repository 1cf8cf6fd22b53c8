import Engine
import Primitives

/// The join of a session with events, as the histories were before it.
///
/// Rows tell what is, and a model whose artifact is older than a join must be told what was: its
/// live part knows the session's history and the user's, not the joined one. So a restart begins
/// with these histories and joins them again where the log did. Kept while an artifact is older.
struct HistoryRewrite {
    /// The place of an event in the log, which no other event has.
    struct Entry: Hashable {
        var position: LogPosition
        var ordinal: UInt16
    }

    var group: GroupIndex
    var position: LogPosition
    var session: UserIndex
    var user: UserIndex
    /// Oldest first.
    var ofSession: [Entry]
    var ofUser: [Entry]

    /// Events of the same write below it came before the join.
    var ordinal: Int {
        (ofSession + ofUser).filter { $0.position == position }.map { Int($0.ordinal) + 1 }.max()
            ?? 0
    }

    func before(_ owner: UserIndex) -> [Entry] { owner == session ? ofSession : ofUser }
}

extension HistoryRewrite.Entry {
    init(_ event: StoredEvent) {
        self.init(position: event.position, ordinal: event.ordinal)
    }

}

extension HistoryRewrite {
    /// The join that made `merged`, the history of `user` afterwards.
    init(
        _ group: GroupIndex,
        at position: LogPosition,
        session: UserIndex,
        user: UserIndex,
        merged: [StoredEvent]
    ) {
        func entries(_ isOfSession: Bool) -> [Entry] {
            merged.filter { ($0.isMoved && $0.session == session) == isOfSession }
                .map(Entry.init)
        }
        self.init(
            group: group,
            position: position,
            session: session,
            user: user,
            ofSession: entries(true),
            ofUser: entries(false)
        )
    }

    /// The version of the row; others may follow.
    private static let join: UInt8 = 1

    func write(to row: RowWriter) {
        row.bytes.append(Self.join)
        row.put(UInt64(session.rawValue))
        row.put(UInt64(user.rawValue))
        for entries in [ofSession, ofUser] {
            row.put(entries) { row, entry in
                row.put(entry.position.rawValue)
                row.put(UInt64(entry.ordinal))
            }
        }
    }

    init(
        _ group: GroupIndex,
        _ position: LogPosition,
        _ reader: inout RowReader
    ) throws(RowReader.Damaged) {
        guard try reader.byte() == Self.join else { throw RowReader.Damaged() }
        func entries(_ reader: inout RowReader) throws(RowReader.Damaged) -> [Entry] {
            try reader.list { (reader) throws(RowReader.Damaged) in
                Entry(
                    position: LogPosition(try reader.unsigned()),
                    ordinal: try reader.narrow(UInt16.self)
                )
            }
        }
        let session = UserIndex(try reader.narrow(UInt32.self))
        let user = UserIndex(try reader.narrow(UInt32.self))
        self.init(
            group: group,
            position: position,
            session: session,
            user: user,
            ofSession: try entries(&reader),
            ofUser: try entries(&reader)
        )
    }
}
