import Engine
import Primitives

/// Sorts the stored events of a restart: what the models' artifacts know already, and what they
/// must be told again, joins included, in the order of the log.
struct HistoryReplay {
    private struct Owner: Hashable {
        var group: GroupIndex
        var owner: UserIndex
    }

    private struct Place: Comparable {
        var position: LogPosition
        var ordinal: Int

        static func < (left: Place, right: Place) -> Bool {
            (left.position, left.ordinal) < (right.position, right.ordinal)
        }
    }

    private typealias Entry = HistoryRewrite.Entry

    private let replayAfter: LogPosition
    /// In the order of the log.
    private var rewrites: [HistoryRewrite]
    /// The rewrites of an owner's history.
    private var rewritesOf: [Owner: [Int]] = [:]
    /// The rows of those owners.
    private var finals: [Owner: [StoredEvent]] = [:]
    private var tail: [(owner: Owner, event: StoredEvent)] = []
    private var rows: [Entry: (owner: Owner, event: StoredEvent)] = [:]

    /// `rewrites` are those above `replayAfter`, each group's in the order of the log.
    init(replayAfter: LogPosition, rewrites: [HistoryRewrite]) {
        self.replayAfter = replayAfter
        self.rewrites = rewrites.enumerated().sorted { left, right in
            (left.element.position, left.offset) < (right.element.position, right.offset)
        }.map(\.element)
        for (index, rewrite) in self.rewrites.enumerated() {
            for owner in [rewrite.session, rewrite.user] {
                rewritesOf[Owner(group: rewrite.group, owner: owner), default: []].append(index)
            }
        }
    }

    /// Whether the event of a row is to be told later; otherwise it is a plain fact.
    mutating func takes(_ group: GroupIndex, _ owner: UserIndex, _ event: StoredEvent) -> Bool {
        let owner = Owner(group: group, owner: owner)
        if !rewritesOf.isEmpty, rewritesOf[owner] != nil {
            finals[owner, default: []].append(event)
            rows[Entry(event)] = (owner, event)
            return true
        }
        guard event.position > replayAfter else { return false }
        tail.append((owner, event))
        return true
    }

    /// All rows were seen: the histories of rewritten owners as the artifacts know them.
    ///
    /// An event that is gone since, or is another owner's, takes no part: facts are what rows say.
    mutating func facts() -> [Effect] {
        for index in rewrites.indices {
            let rewrite = rewrites[index]
            let end = Owner(group: rewrite.group, owner: rewrite.user)
            rewrites[index].ofSession = rewrite.ofSession.filter { rows[$0]?.owner == end }
            rewrites[index].ofUser = rewrite.ofUser.filter { rows[$0]?.owner == end }
        }
        return rewritesOf.sorted { ($0.key.group, $0.key.owner) < ($1.key.group, $1.key.owner) }
            .flatMap { owner, indices in
                rewrites[indices[0]].before(owner.owner)
                    .filter { $0.position <= replayAfter }
                    .compactMap { rows[$0]?.event }
                    .map { .eventStored(owner.group, owner: owner.owner, $0) }
            }
    }

    /// What is to be told, in the order of the log.
    mutating func forEachStep(_ body: (Effects) -> Void) {
        for (owner, indices) in rewritesOf { addEvents(of: owner, indices) }
        finals = [:]
        tail.sort { left, right in
            (left.event.position, left.event.ordinal) < (right.event.position, right.event.ordinal)
        }
        let places = rewrites.map { Place(position: $0.position, ordinal: $0.ordinal) }
        var next = 0
        for (owner, event) in tail {
            let place = Place(position: event.position, ordinal: Int(event.ordinal))
            while next < rewrites.count, places[next] <= place {
                body(step(rewrites[next]))
                next += 1
            }
            let effect = Effect.eventStored(owner.group, owner: owner.owner, event)
            body(Effects(position: event.position, effects: [effect]))
        }
        for rewrite in rewrites[next...] { body(step(rewrite)) }
    }

    /// The events that came to an owner one by one between its rewrites.
    private mutating func addEvents(of owner: Owner, _ indices: [Int]) {
        // What the history was right after the rewrite before.
        var known: Set<Entry>?
        for step in 0...indices.count {
            let entries =
                step < indices.count
                ? rewrites[indices[step]].before(owner.owner)
                : (finals[owner] ?? []).map(Entry.init)
            for entry in entries {
                let isNew = known.map { !$0.contains(entry) } ?? (entry.position > replayAfter)
                if isNew, let row = rows[entry] { tail.append((owner, row.event)) }
            }
            guard step < indices.count else { return }
            let rewrite = rewrites[indices[step]]
            known =
                owner.owner == rewrite.user ? Set(rewrite.ofSession + rewrite.ofUser) : []
        }
    }

    private func step(_ rewrite: HistoryRewrite) -> Effects {
        let merged = (rewrite.ofSession + rewrite.ofUser).compactMap { rows[$0]?.event }
            .sorted { left, right in
                (left.record.occurredAt, left.position, left.ordinal)
                    < (right.record.occurredAt, right.position, right.ordinal)
            }
        return Effects(
            position: rewrite.position,
            effects: [
                .historyJoined(
                    rewrite.group,
                    session: rewrite.session,
                    user: rewrite.user,
                    merged: merged
                )
            ]
        )
    }
}
