import Engine
import Journal
import Primitives
import Synchronization

/// What a group's items have been through: when they came, their events, their showings in vain.
///
/// And the pool of those worth exploring, for readers: the newest items that are not well known
/// yet, `Limits.explorationPoolMax` of them. A weight is (1 + chosen) / (1 + chosen + shown in vain
/// + other events), the counts rounded down to powers of two: a list changes where a weight
/// changed, and so that is rare. What is shown in vain fades, what is chosen goes on being shown
/// until the models know it.
///
/// SAFETY of `@unchecked`: everything but `pool` and `newest` belongs to the writer's thread;
/// before that starts, to the thread that recovers.
package final class ItemExposure: @unchecked Sendable {
    static let unknown = Int64.min

    let pool = Published(ExplorationPool())
    private let newest = Atomic<Int64>(ItemExposure.unknown)
    /// When their records say that items came, and their oldest events; `unknown`: nothing does.
    private var datedMS: [Int64] = []
    private var oldestEventMS: [Int64] = []
    private var events: [UInt32] = []
    private var shown: [UInt32] = []
    /// Events that chose the item from what was shown.
    private var chosen: [UInt32] = []
    private var members: [UInt32] = []
    private var isMember = ItemBitmap()
    /// The oldest member; `nil` until somebody asks who it is.
    private var oldest: UInt32?
    /// An item was left out since the pool was full.
    private var hasSkipped = false
    private var changesSinceScan = 0
    private var isPoolStale = false

    /// Items whose count of showings changed since `takeChangedShowings`.
    private var changedShowings: Set<UInt32> = []

    /// The time of the newest event of the group.
    var newestEventMS: Int64 { newest.load(ordering: .relaxed) }

    // MARK: Recovery

    /// Reads what the engine and the disk know; the pool is made anew.
    func load(_ store: GroupStore, shown showings: [ServedListStore.Showing]) {
        let root = store.currentRoot
        datedMS.removeAll()
        oldestEventMS.removeAll()
        events.removeAll()
        shown.removeAll()
        chosen.removeAll()
        isMember = ItemBitmap()
        members.removeAll()
        oldest = nil
        newest.store(Self.unknown, ordering: .relaxed)
        readDates(root)
        store.forEachInteraction { interaction in
            count(interaction, 1)
        }
        for showing in showings where Int(showing.item.rawValue) < shown.count {
            shown[Int(showing.item.rawValue)] = showing.count
            chosen[Int(showing.item.rawValue)] = showing.chosen
        }
        scan()
        publish()
    }

    private func readDates(_ root: GroupRoot) {
        grow(to: root.itemCount)
        for index in 0..<root.itemCount {
            let created = root.record(of: ItemIndex(UInt32(index)))?.createdAt
            datedMS[index] = created?.milliseconds ?? Self.unknown
        }
    }

    /// The records of many items are other ones.
    func recordsReplaced(_ root: GroupRoot) {
        readDates(root)
        scan()
    }

    /// The engine's interactions were replaced; showings stay.
    func reload(_ store: GroupStore) {
        let kept = (shown, chosen)
        load(store, shown: [])
        for index in kept.0.indices where index < shown.count {
            shown[index] = kept.0[index]
            chosen[index] = kept.1[index]
        }
        scan()
    }

    /// The counts of showings that changed since the last call.
    func takeChangedShowings() -> [(item: UInt32, shown: UInt32, chosen: UInt32)] {
        defer { changedShowings.removeAll(keepingCapacity: true) }
        return changedShowings.sorted().map { ($0, shown[Int($0)], chosen[Int($0)]) }
    }

    // MARK: Following the facts

    func grow(to itemCount: Int) {
        while datedMS.count < itemCount {
            let index = UInt32(datedMS.count)
            datedMS.append(Self.unknown)
            oldestEventMS.append(Self.unknown)
            events.append(0)
            shown.append(0)
            chosen.append(0)
            touch(index)
        }
    }

    func stored(_ item: ItemIndex, createdAt: Timestamp?) {
        let index = Int(item.rawValue)
        grow(to: index + 1)
        datedMS[index] = createdAt?.milliseconds ?? Self.unknown
        ageChanged(index)
        touch(item.rawValue)
    }

    func observed(_ interaction: Interaction) {
        count(interaction, 1)
        touch(interaction.item.rawValue)
    }

    func retracted(_ interaction: Interaction) {
        let index = Int(interaction.item.rawValue)
        guard index < events.count, events[index] > 0 else { return }
        change(index) { events[index] -= 1 }
    }

    /// All events of the group are gone.
    func reset() {
        for index in events.indices {
            oldestEventMS[index] = Self.unknown
            events[index] = 0
            shown[index] = 0
            chosen[index] = 0
            changedShowings.insert(UInt32(index))
        }
        newest.store(Self.unknown, ordering: .relaxed)
        scan()
    }

    /// Items were shown; `delta` -1 when one of them was found to be clicked after all.
    func showed(_ items: [ItemIndex], _ delta: Int32 = 1) {
        for item in items {
            let index = Int(item.rawValue)
            guard index < shown.count, delta > 0 || shown[index] > 0 else { continue }
            change(index) { shown[index] = UInt32(clamping: Int64(shown[index]) + Int64(delta)) }
            changedShowings.insert(item.rawValue)
        }
    }

    /// An item was chosen of what was shown.
    func chose(_ item: ItemIndex) {
        let index = Int(item.rawValue)
        guard index < chosen.count else { return }
        change(index) { chosen[index] += 1 }
        changedShowings.insert(item.rawValue)
    }

    /// Lets readers see what changed.
    func publish() {
        changesSinceScan += 1
        if hasSkipped, members.count < Limits.explorationPoolMax * 3 / 4,
            changesSinceScan >= Limits.explorationScanInterval
        {
            scan()
        }
        guard isPoolStale else { return }
        isPoolStale = false
        pool.replace(
            ExplorationPool(
                items: members,
                weights: members.map { weight(Int($0)) },
                createdMS: members.map { createdMS(Int($0)) }
            )
        )
    }

    // MARK: The pool

    private func count(_ interaction: Interaction, _ delta: UInt32) {
        let index = Int(interaction.item.rawValue)
        let time = interaction.occurredAt.milliseconds
        grow(to: index + 1)
        if time > newestEventMS { newest.store(time, ordering: .relaxed) }
        if oldestEventMS[index] == Self.unknown || time < oldestEventMS[index] {
            oldestEventMS[index] = time
            ageChanged(index)
        }
        change(index) { events[index] += delta }
    }

    /// As Personalize documents it: by the record, else by the oldest event; else an item is as new
    /// as the newest event of all, which is `unknown`.
    private func createdMS(_ index: Int) -> Int64 {
        datedMS[index] == Self.unknown ? oldestEventMS[index] : datedMS[index]
    }

    private func ageChanged(_ index: Int) {
        guard isMember.contains(index) else { return }
        oldest = nil
        isPoolStale = true
    }

    private func change(_ index: Int, _ body: () -> Void) {
        let before = weight(index)
        body()
        if isMember.contains(index), weight(index) != before { isPoolStale = true }
        touch(UInt32(index))
    }

    private func weight(_ index: Int) -> Float {
        let liked = Float(1 + Self.rounded(chosen[index]))
        let others = Self.rounded(shown[index]) + Self.rounded(unasked(index))
        return liked / (liked + Float(others))
    }

    private static func rounded(_ count: UInt32) -> UInt32 {
        count == 0 ? 0 : 1 << UInt32(31 - count.leadingZeroBitCount)
    }

    /// Events that nothing shown led to.
    private func unasked(_ index: Int) -> UInt32 {
        events[index] > chosen[index] ? events[index] - chosen[index] : 0
    }

    private func isLittleKnown(_ index: Int) -> Bool {
        let showingsMax = Limits.explorationShowingsMax * (1 + min(chosen[index], 8))
        return unasked(index) < Limits.explorationEventsMax
            && chosen[index] < Limits.explorationChosenMax && shown[index] < showingsMax
    }

    /// Lets an item in or out.
    private func touch(_ item: UInt32) {
        let index = Int(item)
        if isMember.contains(index) {
            if !isLittleKnown(index) { remove(item) }
        } else if isLittleKnown(index) {
            insert(item)
        }
    }

    private func remove(_ item: UInt32) {
        isMember.remove(Int(item))
        members.removeAll { $0 == item }
        if oldest == item { oldest = nil }
        isPoolStale = true
    }

    private func insert(_ item: UInt32) {
        if members.count >= Limits.explorationPoolMax {
            hasSkipped = true
            // Most who come are older than all members: known at one look.
            let least = oldest ?? members.min { isOlder($0, $1) }
            oldest = least
            guard let least, isOlder(least, item) else { return }
            remove(least)
        }
        // Kept in order; what comes in is mostly the newest.
        let place = members.lastIndex { $0 < item }.map { $0 + 1 } ?? 0
        members.insert(item, at: place)
        isMember.insert(Int(item))
        if let least = oldest, isOlder(item, least) { oldest = item }
        isPoolStale = true
    }

    /// By creation; of two of one time the lower index.
    ///
    /// What nobody dated is the newest.
    private func isOlder(_ left: UInt32, _ right: UInt32) -> Bool {
        (creation(left), left) < (creation(right), right)
    }

    private func creation(_ item: UInt32) -> Int64 {
        let created = createdMS(Int(item))
        return created == Self.unknown ? .max : created
    }

    /// Chooses the pool anew; O(items · log(items)).
    private func scan() {
        changesSinceScan = 0
        let all = (0..<UInt32(datedMS.count)).filter { isLittleKnown(Int($0)) }
        hasSkipped = all.count > Limits.explorationPoolMax
        members =
            hasSkipped
            ? all.sorted { isOlder($1, $0) }.prefix(Limits.explorationPoolMax).sorted() : all
        oldest = nil
        isMember = ItemBitmap()
        for item in members { isMember.insert(Int(item)) }
        isPoolStale = true
    }
}

/// The items of a group that are worth exploring, by rising index, as readers see them.
package final class ExplorationPool: Sendable {
    let items: [UInt32]
    let weights: [Float]
    let createdMS: [Int64]

    package init(items: [UInt32] = [], weights: [Float] = [], createdMS: [Int64] = []) {
        self.items = items
        self.weights = weights
        self.createdMS = createdMS
    }
}
