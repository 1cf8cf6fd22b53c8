import Primitives

/// All histories of a training, one behind the other, as the counting loops read them.
///
/// 18 bytes an event: item, owner, type and time; 2 more for each own column of interactions that
/// says something. `places` and `sets` are made when asked for.
package struct InteractionLog {
    /// `[eventCount]`, each history oldest first.
    private(set) var items: [UInt32] = []
    /// `[eventCount]`: whose event it is.
    private(set) var ownerOf: [UInt32] = []
    private(set) var types: [UInt16] = []
    private(set) var times: [Int64] = []
    /// `[ownerCount + 1]`: where each history begins, and the end of all.
    private(set) var offsets: [UInt64] = [0]
    /// `[ownerCount]`: whose history it is; empty of a part of another log.
    private(set) var users: [UserIndex] = []
    let itemCount: Int
    /// `[eventCount · contextTable.columns.count]`: the codes of each event.
    private var contexts: [UInt16] = []
    private(set) var contextTable = ContextTable()

    var eventCount: Int { items.count }
    var ownerCount: Int { offsets.count - 1 }

    init(itemCount: Int) {
        self.itemCount = itemCount
    }

    /// Without events, for some of another's.
    init(forEventsOf log: InteractionLog) {
        itemCount = log.itemCount
        contextTable = log.contextTable
    }

    package init(_ set: any TrainingSet, progress: (Double) -> Bool) throws(RecipeError) {
        self.init(itemCount: set.itemCount)
        var log = self
        try TrainingLoop.runInContext(over: set, progress: progress) { user, history, codes in
            log.append(history)
            log.users.append(user)
            log.contexts += codes
        }
        // Columns of which no event says anything are none.
        if log.contexts.contains(where: { $0 != 0 }) {
            log.contextTable = set.contextTable
        } else {
            log.contexts = []
        }
        self = log
    }

    /// What a column says of an event, as a code of the table; 0: nothing.
    func context(_ place: Int, _ column: Int) -> UInt16 {
        contexts[place * contextTable.columns.count + column]
    }

    /// Whose history it is; of a part of another log any that no other has.
    func user(of owner: Int) -> UserIndex {
        owner < users.count ? users[owner] : UserIndex(UInt32(owner))
    }

    mutating func append(_ history: [Interaction]) {
        for entry in history {
            items.append(entry.item.rawValue)
            types.append(entry.type.rawValue)
            times.append(entry.occurredAt.milliseconds)
            ownerOf.append(UInt32(ownerCount))
        }
        offsets.append(UInt64(items.count))
    }

    /// Appends a history: some events of another log.
    mutating func append(_ places: Range<Int>, of log: InteractionLog) {
        append(places.map { log.interaction($0) })
        let width = contextTable.columns.count
        contexts += log.contexts[places.lowerBound * width..<places.upperBound * width]
    }

    /// From the first to the last event.
    var spanMS: Int64 {
        guard let first = times.min(), let last = times.max() else { return 0 }
        return last - first
    }

    func history(of owner: Int) -> Range<Int> {
        Int(offsets[owner])..<Int(offsets[owner + 1])
    }

    func interaction(_ place: Int) -> Interaction {
        Interaction(
            item: ItemIndex(items[place]),
            type: EventTypeIndex(types[place]),
            occurredAt: Timestamp(milliseconds: times[place])
        )
    }

    /// The places of each item, by item: `places[offsets[i] ..< offsets[i + 1]]`.
    func placesByItem() -> (places: [UInt32], offsets: [Int]) {
        Self.group(items, itemCount: itemCount)
    }

    /// Each owner's distinct items, the newest `Limits.trainingSetMax` of them, and each item's
    /// owners.
    func sets() -> ItemSets {
        var sets = ItemSets()
        var seen = [UInt32](repeating: .max, count: itemCount)
        var owners: [UInt32] = []
        for owner in 0..<ownerCount {
            var count = 0
            for place in history(of: owner).reversed()
            where seen[Int(items[place])] != UInt32(owner) {
                guard count < Limits.trainingSetMax else { break }
                seen[Int(items[place])] = UInt32(owner)
                sets.items.append(items[place])
                owners.append(UInt32(owner))
                count += 1
            }
            sets.offsets.append(UInt64(sets.items.count))
        }
        let grouped = Self.group(sets.items, itemCount: itemCount)
        sets.owners = grouped.places.map { owners[Int($0)] }
        sets.ownerOffsets = grouped.offsets
        return sets
    }

    /// A counting sort of positions by value.
    private static func group(
        _ values: [UInt32],
        itemCount: Int
    ) -> (places: [UInt32], offsets: [Int]) {
        var offsets = [Int](repeating: 0, count: itemCount + 1)
        for value in values { offsets[Int(value) + 1] += 1 }
        for item in 0..<itemCount { offsets[item + 1] += offsets[item] }
        var next = offsets
        var places = [UInt32](repeating: 0, count: values.count)
        for (place, value) in values.enumerated() {
            places[next[Int(value)]] = UInt32(place)
            next[Int(value)] += 1
        }
        return (places, offsets)
    }
}

/// Who touched what, without order: X of the linear models, by row and by column.
struct ItemSets {
    /// `items[offsets[u] ..< offsets[u + 1]]` are the distinct items of owner u.
    var items: [UInt32] = []
    var offsets: [UInt64] = [0]
    /// `owners[ownerOffsets[i] ..< ownerOffsets[i + 1]]` are the owners of item i.
    var owners: [UInt32] = []
    var ownerOffsets: [Int] = []

    func owners(of item: Int) -> ArraySlice<UInt32> {
        owners[ownerOffsets[item]..<ownerOffsets[item + 1]]
    }

    /// X of item i has this many ones.
    func count(of item: Int) -> Int { ownerOffsets[item + 1] - ownerOffsets[item] }
}
