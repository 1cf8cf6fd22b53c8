import Primitives

/// w_τ(h) = Σ_i e^{−age(i)/τ} e_i: one entry an item, age(i) events after it last came.
///
/// Reused from query to query; at most `lengthMax` items. Confined to one thread.
final class HistoryWeights {
    static let lengthMax = 60

    private(set) var items: [UInt32] = []
    private var ages: [Int] = []
    /// e^{−age/τ} by age, for each τ that was asked for; a model has a few.
    private var decays: [(recency: Float, byAge: [Float])] = []
    /// The history by what its items' records say; filled when it is asked for.
    var tokens = TokenSums()
    /// The sessions like the history; filled when they are asked for.
    var sessions = SessionSums()
    /// The newest of the history, as its own session has it.
    private(set) var tail = SessionTail()

    /// O(length²) over at most 60 entries; does not allocate once grown.
    func begin(_ history: Span<Interaction>) {
        items.removeAll(keepingCapacity: true)
        ages.removeAll(keepingCapacity: true)
        tail = SessionTail()
        for place in max(0, history.count - SessionTail.lengthMax)..<history.count {
            tail.append(history[place].item.rawValue)
        }
        var back = 0
        while back < min(history.count, Self.lengthMax) {
            let item = history[history.count - 1 - back].item.rawValue
            if !items.contains(item) {
                items.append(item)
                ages.append(back)
            }
            back += 1
        }
    }

    /// Calls `body` for each item, the newest first, until it weighs less than 1/1,000; weights sum
    /// to 1.
    func forEach(recency: Float, _ body: (UInt32, Float) -> Void) {
        forEachAge(recency: recency) { item, _, weight in body(item, weight) }
    }

    /// The same, with how many entries of the history came after it.
    func forEachAge(recency: Float, _ body: (UInt32, Int, Float) -> Void) {
        let decay = decay(recency)
        let ageMax = recency * 7
        var sum: Float = 0
        for age in ages where Float(age) <= ageMax { sum += decay[age] }
        for (index, item) in items.enumerated() where Float(ages[index]) <= ageMax {
            body(item, ages[index], decay[ages[index]] / sum)
        }
    }

    private func decay(_ recency: Float) -> [Float] {
        if let known = decays.first(where: { $0.recency == recency }) { return known.byAge }
        let byAge = (0..<Self.lengthMax).map { Elementary.exp(-Float($0) / recency) }
        if decays.count >= Self.decaysMax { decays.removeAll(keepingCapacity: true) }
        decays.append((recency, byAge))
        return byAge
    }

    private static let decaysMax = 16
}
