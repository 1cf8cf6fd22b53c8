import Primitives

/// How many distinct users touched each item, exact and current: what is popular, for recipes that
/// fall back on it.
///
/// O(1) an event.
final class DistinctUsers: Sendable {
    private let weights = ItemWeights()

    /// `[itemCount]`.
    var counts: [Float] { weights.current }

    func grow(to itemCount: Int) { weights.grow(to: itemCount) }

    /// Adds one user's whole history, for a training.
    func add(_ history: [Interaction]) {
        let items = Set(history.map(\.item.rawValue))
        weights.update { counts in
            for item in items { counts[Int(item)] += 1 }
        }
    }

    /// Follows a change of a history (`sign` 1: observed, -1: retracted).
    func follow(_ change: HistoryChange, sign: Float) {
        guard change.isOnlyOneOfItem else { return }
        weights.update { $0[Int(change.window[change.index].item.rawValue)] += sign }
    }

    func encode(into artifact: ArtifactWriter) {
        let counts = counts
        artifact.put(UInt32(counts.count))
        for count in counts { artifact.put(count) }
    }

    func decode(_ reader: inout ArtifactReader) throws(RecipeError) {
        var counts: [Float] = []
        for _ in 0..<(try reader.count(of: 4)) { counts.append(try reader.float()) }
        let read = counts
        weights.update { $0 = read }
    }
}
