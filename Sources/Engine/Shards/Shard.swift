import Primitives
import Synchronization

/// The owners of histories that hash to one place: their ids, attributes and histories.
///
/// The lock is held for one record, or for one copy of a history; never for scoring.
final class Shard: Sendable {
    /// One owner's data, in 64 bytes.
    struct Owner {
        var history = HistorySlot()
        /// Of its record; `nil` without one.
        var properties: RecordProperties?
        var index: UserIndex
        /// Of its id in the table of its kind; without meaning when it is erased.
        fileprivate(set) var name: UInt32
        /// Who joined a session last; whom a user was merged into.
        var joinedUser: UserIndex?
        var kind: OwnerKind
        /// Its record was put, not imported in bulk.
        var isRecordPut = false
        /// Its id and everything of it is gone; its index stays taken.
        var isErased = false

        fileprivate init(index: UserIndex, kind: OwnerKind, name: UInt32) {
            self.index = index
            self.kind = kind
            self.name = name
        }
    }

    /// SAFETY of `@unchecked`: reached through the lock only.
    final class State: @unchecked Sendable {
        var users: IdentifierTable
        var sessions: IdentifierTable
        /// By the tables' indices.
        var userSlots: [UInt32] = []
        var sessionSlots: [UInt32] = []
        var owners: [Owner] = []
        /// By slot, the events of a FULL import that is under way.
        var staged: [Int: HistorySlot] = [:]
        /// Where the user is now that the one of a slot was merged into.
        var merged: [Int: GroupStore.Place] = [:]
        let arena = HistoryArena()

        init(hash: StableHash) {
            users = IdentifierTable(hash: hash)
            sessions = IdentifierTable(hash: hash)
        }

        func slot(of id: RawSpan, _ kind: OwnerKind) -> Int? {
            switch kind {
            case .user: users.index(of: id).map { Int(userSlots[Int($0)]) }
            case .session: sessions.index(of: id).map { Int(sessionSlots[Int($0)]) }
            }
        }

        func add(_ id: String, _ kind: OwnerKind, _ index: UserIndex) -> Int {
            let slot = owners.count
            // Of one that was erased before a restart there is no id.
            if id.isEmpty {
                owners.append(Owner(index: index, kind: kind, name: 0))
                owners[slot].isErased = true
                return slot
            }
            switch kind {
            case .user:
                owners.append(Owner(index: index, kind: kind, name: users.insert(id)))
                userSlots.append(UInt32(slot))
            case .session:
                owners.append(Owner(index: index, kind: kind, name: sessions.insert(id)))
                sessionSlots.append(UInt32(slot))
            }
            return slot
        }

        /// Forgets an owner; its history is empty already.
        func erase(_ slot: Int) {
            guard !owners[slot].isErased else { return }
            switch owners[slot].kind {
            case .user: users.remove(owners[slot].name)
            case .session: sessions.remove(owners[slot].name)
            }
            merged[slot] = nil
            arena.clear(&owners[slot].history)
            clearStaged(slot)
            var empty = Owner(index: owners[slot].index, kind: owners[slot].kind, name: 0)
            empty.isErased = true
            owners[slot] = empty
        }

        func id(ofSlot slot: Int) -> String? {
            let owner = owners[slot]
            if owner.isErased { return nil }
            return switch owner.kind {
            case .user: users[owner.name]
            case .session: sessions[owner.name]
            }
        }

        /// What was put or imported for the owner of a slot.
        func record(ofSlot slot: Int) -> EntityRecord? {
            owners[slot].properties.map { EntityRecord(id: id(ofSlot: slot) ?? "", properties: $0) }
        }

        func clearStaged(_ slot: Int) {
            guard var history = staged.removeValue(forKey: slot) else { return }
            arena.clear(&history)
        }
    }

    let state: Mutex<State>

    init(hash: StableHash) {
        state = Mutex(State(hash: hash))
    }
}

extension Shard.State {
    /// Where an entry of this rank belongs: behind all entries of the same or a lower one.
    func insertionIndex(_ slot: HistorySlot, rank: Int64) -> Int {
        let entries = unsafe arena.entries(slot)
        var low = 0
        var high = entries.count
        if high > 0, unsafe entries[high - 1].rank <= rank { return high }
        while low < high {
            let middle = (low + high) / 2
            if unsafe entries[middle].rank <= rank {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// Whether a kept entry says the same, or older ones were dropped.
    ///
    /// O(entries of the same millisecond).
    func mayHaveEntry(
        _ slot: HistorySlot,
        _ interaction: Interaction,
        isPut: Bool = false
    ) -> Bool {
        if slot.isTruncated { return true }
        let milliseconds = interaction.occurredAt.milliseconds
        let entries = unsafe arena.entries(slot)
        var index = insertionIndex(slot, rank: milliseconds << 1 | 1)
        while index > 0 {
            index -= 1
            let entry = unsafe entries[index]
            if entry.milliseconds != milliseconds { return false }
            if entry.unpacked == interaction && !(isPut && entry.isBulk) { return true }
        }
        return false
    }

    /// The change at `index`, with its neighbours.
    func change(_ slot: Int, at index: Int) -> HistoryChange {
        let entries = unsafe arena.entries(owners[slot].history)
        let start = max(0, index - Limits.liveWindowMax)
        let end = min(entries.count, index + Limits.liveWindowMax + 1)
        return HistoryChange(
            user: owners[slot].index,
            window: unsafe entries[start..<end].map(\.unpacked),
            index: index - start,
            isOnlyOneOfItem: unsafe Self.isOnlyOne(index, entries),
            properties: owners[slot].history.details?.properties(at: index) ?? 0
        )
    }

    /// Whether no other entry has the item of the one at `index`; O(entries).
    private static func isOnlyOne(
        _ index: Int,
        _ entries: UnsafeMutableBufferPointer<PackedInteraction>
    ) -> Bool {
        let item = unsafe entries[index].item
        for position in 0..<index where unsafe entries[position].item == item { return false }
        for position in index + 1..<entries.count where unsafe entries[position].item == item {
            return false
        }
        return true
    }
}
