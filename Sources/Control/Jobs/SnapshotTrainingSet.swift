import Engine
import Journal
import Primitives
import Recipes
import Serving

/// A snapshot of the store as the recipes read it.
final class SnapshotTrainingSet: TrainingSet, @unchecked Sendable {
    // SAFETY of `@unchecked`: used by one training thread; the counts are read after it is done.
    let itemCount: Int
    let position: LogPosition
    private(set) var userCount = 0
    private(set) var interactionCount = 0
    private let snapshot: RecordSnapshot
    private let group: GroupIndex
    private let selection: EventSelection?

    init(
        snapshot: RecordSnapshot,
        group: GroupIndex,
        itemCount: Int,
        selection: EventSelection?
    ) {
        self.snapshot = snapshot
        self.selection = selection
        self.group = group
        self.itemCount = itemCount
        position = snapshot.position
    }

    /// What the training would have liked to have; Personalize refuses to train without it.
    var warnings: [String] {
        var warnings: [String] = []
        if interactionCount < 1_000 {
            warnings.append(
                "trained on \(interactionCount) interactions; below 1,000 the lists are "
                    + "mostly popular items"
            )
        }
        if userCount < 25 {
            warnings.append("trained on \(userCount) users; below 25 they say little about others")
        }
        return warnings
    }

    func forEachHistory(_ body: (UserIndex, [Interaction]) -> Bool) throws(RecipeError) {
        userCount = 0
        interactionCount = 0
        var owner: UserIndex?
        var history: [Interaction] = []
        var isStopped = false
        func flush() -> Bool {
            guard let owner, !history.isEmpty else { return true }
            userCount += 1
            interactionCount += history.count
            defer { history.removeAll(keepingCapacity: true) }
            return body(owner, history)
        }
        do {
            try snapshot.forEachEvent(of: group) { next, event in
                if next != owner {
                    guard flush() else {
                        isStopped = true
                        return false
                    }
                    owner = next
                }
                // Items that came with later writes are observed, not trained on.
                if let item = event.item, Int(item.rawValue) < itemCount,
                    selection?.selects(event.record) ?? true
                {
                    history.append(
                        Interaction(
                            item: item,
                            type: event.type,
                            occurredAt: event.record.occurredAt
                        )
                    )
                }
                return true
            }
        } catch {
            throw RecipeError(.readFailed, "\(error)")
        }
        if !isStopped { _ = flush() }
    }
}
