import Engine
import Primitives

/// Sorts the stored events of a restart: what the models' artifacts know already, and what they
/// must be told again, joins and deletions included, in the order of the log.
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
    private let rewrites: [HistoryRewrite]
    /// The rewrites of an owner's history.
    private var rewritesOf: [Owner: [Int]] = [:]
    /// The rows of those owners.
    private var finals: [Owner: [Entry]] = [:]
    private var tail: [(owner: Owner, event: StoredEvent)] = []
    /// The events of those owners, those that have no row any more included.
    private var events: [Entry: StoredEvent] = [:]

    /// `rewrites` are those above `replayAfter`, each group's in the order of the log.
    init(replayAfter: LogPosition, rewrites: [HistoryRewrite]) {
        self.replayAfter = replayAfter
        self.rewrites = rewrites.enumerated().sorted { left, right in
            (left.element.position, left.offset) < (right.element.position, right.offset)
        }.map(\.element)
        for (index, rewrite) in self.rewrites.enumerated() {
            for owner in rewrite.owners {
                rewritesOf[Owner(group: rewrite.group, owner: owner), default: []].append(index)
            }
            for erased in rewrite.erased { events[Entry(erased.event)] = erased.event }
        }
    }

    /// Whether the event of a row is to be told later; otherwise it is a plain fact.
    func takes(_ key: EventKey) -> Bool {
        key.position > replayAfter
            || !rewritesOf.isEmpty
                && rewritesOf[Owner(group: key.group, owner: key.owner)] != nil
    }

    /// Takes the event of such a row.
    mutating func take(_ event: StoredEvent, of key: EventKey) {
        let owner = Owner(group: key.group, owner: key.owner)
        if rewritesOf[owner] == nil {
            tail.append((owner, event))
        } else {
            finals[owner, default: []].append(Entry(event))
            events[Entry(event)] = event
        }
    }

    /// What an owner had at each of its rewrites and has now, in the order of the log.
    private func lists(
        _ owner: Owner,
        _ indices: [Int]
    ) -> [(entries: [Entry], isWhole: Bool, after: Set<Entry>?)] {
        indices.map { index in
            let rewrite = rewrites[index]
            return (
                rewrite.before(owner.owner), rewrite.isWhole, rewrite.after(owner.owner)
            )
        } + [(finals[owner] ?? [], true, nil)]
    }

    /// All rows were seen: the histories of rewritten owners as the artifacts know them.
    ///
    /// An event that neither a row nor a rewrite has takes no part.
    func facts() -> [Effect] {
        rewritesOf.sorted { ($0.key.group, $0.key.owner) < ($1.key.group, $1.key.owner) }
            .flatMap { owner, indices in
                var known: [StoredEvent] = []
                for list in lists(owner, indices) {
                    known += list.entries.filter { $0.position <= replayAfter }
                        .compactMap { events[$0] }
                    if list.isWhole { break }
                }
                return known.sorted(by: Self.isBefore)
                    .map { Effect.eventStored(owner.group, owner: owner.owner, $0) }
            }
    }

    /// What is to be told, in the order of the log; `counted` says how many of an owner's events
    /// count at that moment.
    mutating func forEachStep(
        counted: (GroupIndex, [StoredEvent]) -> ErasedEvents,
        _ body: (Effects) -> Void
    ) {
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
                body(step(rewrites[next], counted))
                next += 1
            }
            let effect = Effect.eventStored(owner.group, owner: owner.owner, event)
            body(Effects(position: event.position, effects: [effect]))
        }
        for rewrite in rewrites[next...] { body(step(rewrite, counted)) }
    }

    /// The events that came to an owner one by one between its rewrites.
    private mutating func addEvents(of owner: Owner, _ indices: [Int]) {
        // What the history was right after the rewrite before.
        var known: Set<Entry>?
        for list in lists(owner, indices) {
            for entry in list.entries {
                let isNew = known.map { !$0.contains(entry) } ?? (entry.position > replayAfter)
                if isNew, let event = events[entry] { tail.append((owner, event)) }
            }
            known = list.after ?? known
        }
    }

    private func step(
        _ rewrite: HistoryRewrite,
        _ counted: (GroupIndex, [StoredEvent]) -> ErasedEvents
    ) -> Effects {
        let group = rewrite.group
        let effect: Effect =
            switch rewrite.kind {
            case .joined(let join) where join.isMerge:
                .merged(
                    .histories(
                        group,
                        from: join.session,
                        into: join.user,
                        moved: join.ofSession.compactMap { events[$0] },
                        kept: join.ofUser.compactMap { events[$0] }
                    )
                )
            case .joined(let join):
                .historyJoined(
                    group,
                    session: join.session,
                    user: join.user,
                    merged: (join.ofSession + join.ofUser).compactMap { events[$0] }
                        .sorted(by: Self.isBefore)
                )
            case .ownerErased(let owner, let events):
                .erased(.owner(group, owner, counted(group, events)))
            case .eventErased(let owner, let event):
                .erased(.event(group, owner: owner, event))
            case .itemErased(let item, let after):
                .erased(
                    .item(
                        group,
                        item,
                        through: rewrite.position,
                        after: after,
                        generations: []
                    )
                )
            }
        return Effects(position: rewrite.position, effects: [effect])
    }

    private static func isBefore(_ left: StoredEvent, _ right: StoredEvent) -> Bool {
        (left.record.occurredAt, left.position, left.ordinal)
            < (right.record.occurredAt, right.position, right.ordinal)
    }
}
