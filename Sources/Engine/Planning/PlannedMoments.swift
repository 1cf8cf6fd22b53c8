package import Primitives

/// The events that a batch has planned, by owner and time.
///
/// An open-addressing table over a list in order of planning. A mutation that is refused takes its
/// own back, newest first, so nothing is kept apart and merged. Times come from clients: the secret
/// keeps them from aiming at one slot. Confined to the writer's thread; dropped with its batch.
package final class PlannedMoments {
    /// Where a planned event is: the mutation's place in the batch, the effect's in its mutation.
    package struct Place: Hashable, Sendable {
        let mutation: UInt32
        let effect: UInt32

        package init(mutation: UInt32, effect: UInt32) {
            self.mutation = mutation
            self.effect = effect
        }
    }

    private struct Entry {
        let group: GroupIndex
        let owner: UserIndex
        let time: Timestamp
        let place: Place
        /// The index of the event before of the same owner and time; -1: none.
        let earlier: Int32

        func isOf(_ group: GroupIndex, _ owner: UserIndex, _ time: Timestamp) -> Bool {
            self.time == time && self.owner == owner && self.group == group
        }
    }

    private let secret: (UInt64, UInt64)
    private var entries: [Entry] = []
    /// The index of the newest entry of a moment, or `free`, or `takenBack`.
    private var slots: [Int32] = []
    private var usedSlots = 0

    package init(secret: (UInt64, UInt64)) {
        self.secret = secret
    }

    /// What `rollback` goes back to.
    package var mark: Int { entries.count }

    /// The planned events of an owner and a time, the newest first.
    package func places(
        _ group: GroupIndex,
        _ owner: UserIndex,
        at time: Timestamp,
        _ body: (Place) -> Void
    ) {
        guard !entries.isEmpty else { return }
        var index = slots[slot(group, owner, time)]
        while index >= 0 {
            body(entries[Int(index)].place)
            index = entries[Int(index)].earlier
        }
    }

    package func add(_ group: GroupIndex, _ owner: UserIndex, at time: Timestamp, _ place: Place) {
        if (usedSlots + 1) * 2 > slots.count { grow() }
        let slot = slot(group, owner, time)
        let earlier = slots[slot]
        if earlier == Self.free { usedSlots += 1 }
        slots[slot] = Int32(entries.count)
        entries.append(
            Entry(group: group, owner: owner, time: time, place: place, earlier: max(earlier, -1))
        )
    }

    /// Takes back everything that was added since `mark`.
    package func rollback(to mark: Int) {
        while entries.count > mark, let last = entries.last {
            let slot = slot(last.group, last.owner, last.time)
            slots[slot] = last.earlier >= 0 ? last.earlier : Self.takenBack
            entries.removeLast()
        }
    }

    /// Forgets everything, for the next batch.
    package func removeAll() {
        guard !slots.isEmpty else { return }
        entries.removeAll(keepingCapacity: slots.count <= Self.slotsKept)
        if slots.count <= Self.slotsKept {
            for slot in slots.indices { slots[slot] = Self.free }
        } else {
            slots = []
        }
        usedSlots = 0
    }

    private static let free: Int32 = -1
    private static let takenBack: Int32 = -2
    private static let slotsKept = 4_096

    /// The slot of a moment, or the free one where it belongs.
    private func slot(_ group: GroupIndex, _ owner: UserIndex, _ time: Timestamp) -> Int {
        let who = UInt64(group.rawValue) << 32 | UInt64(owner.rawValue)
        let product = (who ^ secret.0).multipliedFullWidth(
            by: UInt64(bitPattern: time.milliseconds) ^ secret.1
        )
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: product.high ^ product.low) & mask
        while true {
            let index = slots[slot]
            if index == Self.free { return slot }
            if index >= 0, entries[Int(index)].isOf(group, owner, time) { return slot }
            slot = (slot + 1) & mask
        }
    }

    private func grow() {
        slots = Array(repeating: Self.free, count: max(64, slots.count * 2))
        usedSlots = 0
        for (index, entry) in entries.enumerated() {
            let slot = slot(entry.group, entry.owner, entry.time)
            if slots[slot] == Self.free { usedSlots += 1 }
            slots[slot] = Int32(index)
        }
    }
}
