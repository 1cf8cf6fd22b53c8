package import Primitives
import Resources
import Synchronization

/// What is known of single users and items.
extension GroupStore {
    // MARK: Any thread

    /// The index of a user or session; `nil` when it is unknown.
    package func owner(withID id: String, _ kind: OwnerKind) -> UserIndex? { owner(id, kind) }

    /// What was put for a user; `nil` when none was.
    package func userRecord(withID id: String) -> EntityRecord? {
        id.withRawSpan { bytes in
            withOwner(named: bytes, .user) { $0.record(ofSlot: $1) } ?? nil
        }
    }

    /// Who joined a session last; `nil` when nobody did, or when it is unknown.
    package func joinedUser(ofSession id: String) -> UserIndex? {
        id.withRawSpan { bytes in
            shards[shard(of: bytes)].state.withLock { state in
                state.slot(of: bytes, .session).flatMap { state.owners[$0].joinedUser }
            }
        }
    }

    // MARK: The writer's thread

    /// What was put for a user or an item that has an index.
    func record(_ kind: DatasetKind, _ index: UInt32) -> EntityRecord? {
        switch kind {
        case .users:
            index < UInt32(ownerCount)
                ? withOwner(UserIndex(index)) { $0.record(ofSlot: $1) } : nil
        case .items:
            // Published after every batch.
            Int(index) < currentRoot.itemCount ? currentRoot.record(of: ItemIndex(index)) : nil
        case .interactions: nil
        }
    }
}

/// Where events on one item are: an owner and a time.
package struct InteractionMoment: Hashable, Comparable, Sendable {
    package var time: Timestamp
    package var owner: UserIndex

    package init(time: Timestamp, owner: UserIndex) {
        self.time = time
        self.owner = owner
    }

    package static func < (left: InteractionMoment, right: InteractionMoment) -> Bool {
        (left.time.milliseconds, left.owner.rawValue)
            < (right.time.milliseconds, right.owner.rawValue)
    }
}

/// What a look through all histories for one item found.
package struct ItemMoments: Sendable {
    /// The newest, newest first, without repetition.
    package var moments: [InteractionMoment] = []
    /// Owners with more history than is kept in memory.
    package var truncatedOwners: [UserIndex] = []
}

extension GroupStore {
    /// The newest `count` moments at which somebody did something to an item, at or before `last`.
    ///
    /// O(owners + entries newer than the oldest that is found), on any thread; a shard's lock is
    /// held for 64 owners at a time. There is no index by item: it would cost every event, for a
    /// question that is asked rarely. Sessions are looked at before users, since histories move
    /// from sessions to users: what moves meanwhile is found where it was or where it went.
    package func newestMoments(
        on item: ItemIndex,
        atOrBefore last: InteractionMoment?,
        count: Int
    ) -> ItemMoments {
        var found = ItemMoments()
        var newest = NewestMoments(count: count)
        for kind in [OwnerKind.session, .user] {
            for shard in shards {
                var next = 0
                var isDone = false
                while !isDone {
                    shard.state.withLock { state in
                        let end = min(next + 64, state.owners.count)
                        for slot in next..<end where state.owners[slot].kind == kind {
                            state.moments(on: item, in: slot, atOrBefore: last, into: &newest)
                            if state.owners[slot].history.isTruncated {
                                found.truncatedOwners.append(state.owners[slot].index)
                            }
                        }
                        next = end
                        isDone = end == state.owners.count
                    }
                }
            }
        }
        found.moments = newest.sorted()
        return found
    }
}

/// The largest few of many moments.
struct NewestMoments: Sendable {
    private let count: Int
    private var moments: [InteractionMoment] = []
    /// Once full: what is below it is of no interest.
    private(set) var floor: InteractionMoment?

    init(count: Int) {
        self.count = count
    }

    mutating func add(_ moment: InteractionMoment) {
        if let floor, moment < floor { return }
        moments.append(moment)
        // Sorted now and then, which costs less than a heap and is shorter.
        if moments.count >= max(64, 4 * count) { moments = sorted() }
        if moments.count == count, floor == nil { moments = sorted() }
    }

    /// The largest, largest first; forgets the rest.
    mutating func sorted() -> [InteractionMoment] {
        var unique: [InteractionMoment] = []
        for moment in moments.sorted(by: >) where unique.last != moment && unique.count < count {
            unique.append(moment)
        }
        if unique.count == count { floor = unique.last }
        return unique
    }
}

extension Shard.State {
    /// Adds the moments of an owner's history on an item, newest first, while they are of interest.
    fileprivate func moments(
        on item: ItemIndex,
        in slot: Int,
        atOrBefore last: InteractionMoment?,
        into newest: inout NewestMoments
    ) {
        let entries = unsafe arena.entries(owners[slot].history)
        var position = entries.count - 1
        while position >= 0 {
            let entry = unsafe entries[position]
            if let floor = newest.floor, entry.milliseconds < floor.time.milliseconds { return }
            if entry.item == item.rawValue {
                let moment = InteractionMoment(
                    time: Timestamp(milliseconds: entry.milliseconds),
                    owner: owners[slot].index
                )
                if last.map({ moment <= $0 }) ?? true { newest.add(moment) }
            }
            position -= 1
        }
    }
}
