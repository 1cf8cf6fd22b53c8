import Primitives

/// An entry of a history in 12 bytes: item, type, 48 bits of milliseconds.
struct PackedInteraction {
    /// The bit of `mark` that says that the event came in bulk; types have 15 bits.
    private static let bulkMark: UInt16 = 1 << 15

    var item: UInt32
    private var mark: UInt16
    var timeHigh: UInt16
    var timeLow: UInt32

    init(_ interaction: Interaction, isBulk: Bool = false) {
        item = interaction.item.rawValue
        mark = interaction.type.rawValue | (isBulk ? Self.bulkMark : 0)
        let milliseconds = UInt64(clamping: interaction.occurredAt.milliseconds)
        timeHigh = UInt16(truncatingIfNeeded: milliseconds >> 32)
        timeLow = UInt32(truncatingIfNeeded: milliseconds)
    }

    var milliseconds: Int64 { Int64(timeHigh) << 32 | Int64(timeLow) }

    var type: UInt16 { mark & ~Self.bulkMark }

    var isBulk: Bool { mark & Self.bulkMark != 0 }

    /// Where it stands among others: by time, at one time bulk events first, then by arrival.
    ///
    /// So the order does not depend on when a FULL import becomes visible.
    var rank: Int64 { milliseconds << 1 | (isBulk ? 0 : 1) }

    var unpacked: Interaction {
        Interaction(
            item: ItemIndex(item),
            type: EventTypeIndex(type),
            occurredAt: Timestamp(milliseconds: milliseconds)
        )
    }
}

/// What a history keeps of an event.
struct HistoryEntry {
    var packed: PackedInteraction
    /// NaN: none.
    var value = Double.nan
    /// A code of the group's `EventPropertyTable`; 0: none.
    var properties: UInt32 = 0
}

/// Where one history lies in its arena.
struct HistorySlot {
    fileprivate(set) var start: UInt32 = 0
    fileprivate(set) var sizeClass: Int8 = -1
    fileprivate(set) var count: UInt32 = 0
    /// Older entries than the ones kept here are on disk only.
    var isTruncated = false
    /// An entry that was put is, or was, among them.
    var hasPut = false
    /// What its events carry beyond their entries; `nil` when it is nothing.
    fileprivate(set) var details: HistoryDetails?
}

/// The histories of one shard: blocks of a few sizes in large chunks, with a free list a size.
///
/// Sizes grow by a quarter, so that a block is at least 4/5 full once it has grown; see
/// `Documentation/Performance.md` for bytes an interaction. Confined to its shard's lock.
@safe
final class HistoryArena {
    private static let chunkEntries = 1 << 16
    private static let capacities: [Int] = {
        var sizes = [2]
        while sizes[sizes.count - 1] < Limits.historyLengthMax {
            sizes.append(max(sizes[sizes.count - 1] + 1, sizes[sizes.count - 1] * 5 / 4))
        }
        return sizes
    }()

    private var chunks: [UnsafeMutablePointer<PackedInteraction>] = unsafe []
    private var used = HistoryArena.chunkEntries
    private var free: [[UInt32]] = HistoryArena.capacities.map { _ in [] }

    /// Free blocks included.
    var byteCount: Int {
        let free = free.reduce(0) { $0 + $1.capacity * 4 }
        let size = Self.chunkEntries * MemoryLayout<PackedInteraction>.stride
        return unsafe chunks.count * size + free
    }

    deinit {
        unsafe chunks.forEach { unsafe $0.deallocate() }
    }

    /// The entries of a slot, oldest first; valid until the next change of any slot.
    func entries(_ slot: HistorySlot) -> UnsafeMutableBufferPointer<PackedInteraction> {
        guard slot.sizeClass >= 0 else {
            return unsafe UnsafeMutableBufferPointer(start: nil, count: 0)
        }
        return unsafe UnsafeMutableBufferPointer(
            start: pointer(slot.start),
            count: Int(slot.count)
        )
    }

    /// Puts `entry` before position `index`.
    ///
    /// O(entries behind it), O(length) when the block must grow.
    func insert(_ entry: HistoryEntry, at index: Int, into slot: inout HistorySlot) {
        if slot.sizeClass < 0 || Int(slot.count) == Self.capacities[Int(slot.sizeClass)] {
            grow(&slot)
        }
        if !entry.value.isNaN || entry.properties != 0 || slot.details != nil {
            slot.details = slot.details ?? HistoryDetails()
            slot.details?.insert(entry, at: index, count: Int(slot.count))
        }
        slot.count += 1
        if !entry.packed.isBulk { slot.hasPut = true }
        let all = unsafe entries(slot)
        var position = all.count - 1
        while position > index {
            unsafe all[position] = all[position - 1]
            position -= 1
        }
        unsafe all[index] = entry.packed
    }

    /// The entry at `index`, with what else its event has.
    func entry(_ slot: HistorySlot, _ index: Int) -> HistoryEntry {
        HistoryEntry(
            packed: unsafe entries(slot)[index],
            value: slot.details?.value(at: index) ?? .nan,
            properties: slot.details?.properties(at: index) ?? 0
        )
    }

    /// Forgets the oldest entry of a slot that has one; it is on disk only from now on.
    ///
    /// O(length).
    func removeFirst(of slot: inout HistorySlot) {
        precondition(slot.count > 0)
        let all = unsafe entries(slot)
        for position in 1..<all.count { unsafe all[position - 1] = all[position] }
        slot.count -= 1
        slot.isTruncated = true
        slot.details?.remove(at: 0)
    }

    /// Forgets the entry at a position.
    ///
    /// O(entries behind it).
    func remove(at index: Int, of slot: inout HistorySlot) {
        precondition(index < slot.count)
        let all = unsafe entries(slot)
        for position in index + 1..<max(all.count, index + 1) {
            unsafe all[position - 1] = all[position]
        }
        slot.count -= 1
        slot.details?.remove(at: index)
    }

    /// Forgets the newest entry of a slot that has one.
    func removeLast(of slot: inout HistorySlot) {
        precondition(slot.count > 0)
        slot.count -= 1
        slot.details?.remove(at: Int(slot.count))
    }

    /// Forgets all entries of a slot.
    func clear(_ slot: inout HistorySlot) {
        if slot.sizeClass >= 0 { free[Int(slot.sizeClass)].append(slot.start) }
        slot = HistorySlot()
    }

    private func grow(_ slot: inout HistorySlot) {
        let old = slot
        slot.sizeClass += 1
        slot.start = allocate(Int(slot.sizeClass))
        guard old.sizeClass >= 0 else { return }
        unsafe pointer(slot.start).update(from: pointer(old.start), count: Int(old.count))
        free[Int(old.sizeClass)].append(old.start)
    }

    private func allocate(_ sizeClass: Int) -> UInt32 {
        if let start = free[sizeClass].popLast() { return start }
        let capacity = Self.capacities[sizeClass]
        if used + capacity > Self.chunkEntries {
            // The rest of a chunk is lost; at most one block's worth in 65,536 entries.
            let entries = max(Self.chunkEntries, capacity)
            unsafe chunks.append(.allocate(capacity: entries))
            used = 0
        }
        let start = UInt32(unsafe chunks.count - 1) << 16 | UInt32(used)
        used += capacity
        return start
    }

    private func pointer(_ start: UInt32) -> UnsafeMutablePointer<PackedInteraction> {
        unsafe chunks[Int(start >> 16)] + Int(start & 0xFFFF)
    }
}
