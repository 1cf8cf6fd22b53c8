import Primitives

/// Walks a training set, tells how far it is, and stops when it is told to.
enum TrainingLoop {
    static func run(
        over set: any TrainingSet,
        progress: (Double) -> Bool,
        _ body: (UserIndex, [Interaction]) -> Void
    ) throws(RecipeError) {
        try runInContext(over: set, progress: progress) { user, history, _ in body(user, history) }
    }

    /// The same with what own columns say of each event.
    static func runInContext(
        over set: any TrainingSet,
        progress: (Double) -> Bool,
        _ body: (UserIndex, [Interaction], [UInt16]) -> Void
    ) throws(RecipeError) {
        var seen = 0
        var isCancelled = !progress(0)
        guard !isCancelled else { throw RecipeError(.cancelled, "the training was stopped") }
        try set.forEachHistoryInContext { user, history, codes in
            body(user, history, codes)
            seen += 1
            guard seen % 256 == 0 else { return true }
            isCancelled = !progress(min(1, Double(seen) / Double(max(set.userCount, 1))))
            return !isCancelled
        }
        guard !isCancelled else { throw RecipeError(.cancelled, "the training was stopped") }
    }

    /// Tells now and then that `index` of `count` is reached, and stops when it is told to.
    static func step(
        _ index: Int,
        of count: Int,
        _ progress: (Double) -> Bool
    ) throws(RecipeError) {
        guard index % 64 == 0 else { return }
        guard progress(Double(index) / Double(max(1, count))) else {
            throw RecipeError(.cancelled, "the training was stopped")
        }
    }
}
