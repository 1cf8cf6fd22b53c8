import Engine
package import Journal
package import Primitives
package import Recipes
import Resources
package import Serving

/// A snapshot of the store as the recipes read it.
package final class SnapshotTrainingSet: TrainingSet, @unchecked Sendable {
    // SAFETY of `@unchecked`: used by one training thread; the counts are read after it is done.
    package let itemCount: Int
    package let position: LogPosition
    package private(set) var userCount = 0
    package private(set) var interactionCount = 0
    /// The store was opened again while it was read: train on a newer snapshot.
    package private(set) var isRevoked = false
    private let historyLengthMax: Int
    private let snapshot: RecordSnapshot
    private let group: GroupIndex
    private let selection: EventSelection?
    private let items: ItemRecords?
    package private(set) var contextTable: ContextTable
    /// By user, once they are asked for.
    private var userTokens: [UserIndex: [ItemToken]]?

    /// `historyLengthMax` is the engine's: what it has dropped from a history, its live parts have
    /// taken back, so a training must not learn it either.
    package init(
        snapshot: RecordSnapshot,
        group: GroupIndex,
        itemCount: Int,
        selection: EventSelection?,
        items: ItemRecords? = nil,
        historyLengthMax: Int = Limits.historyLengthMax
    ) {
        self.snapshot = snapshot
        self.selection = selection
        self.items = items
        contextTable = items?.contextReader.table ?? ContextTable()
        self.historyLengthMax = historyLengthMax
        self.group = group
        self.itemCount = itemCount
        position = snapshot.position
    }

    /// What the training would have liked to have; Personalize refuses to train without it.
    package var warnings: [String] {
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

    package func tokens(of item: ItemIndex) -> [ItemToken] {
        guard let items, Int(item.rawValue) < items.root.itemCount else { return [] }
        return items.tokenizer.tokens(of: items.root.record(of: item))
    }

    package func tokens(ofUser user: UserIndex) -> [ItemToken] {
        if let known = userTokens { return known[user] ?? [] }
        var tokens: [UserIndex: [ItemToken]] = [:]
        if let tokenizer = items?.userTokenizer {
            // What can't be read any more is as if it had not been put.
            try? snapshot.forEachEntity(of: group, .users) { index, _, record in
                tokens[UserIndex(index)] = tokenizer.tokens(of: record)
                return true
            }
        }
        userTokens = tokens
        return tokens[user] ?? []
    }

    package func forEachHistory(_ body: (UserIndex, [Interaction]) -> Bool) throws(RecipeError) {
        try forEachHistoryInContext { user, history, _ in body(user, history) }
    }

    package func forEachHistoryInContext(
        _ body: (UserIndex, [Interaction], [UInt16]) -> Bool
    ) throws(RecipeError) {
        userCount = 0
        interactionCount = 0
        var owner: UserIndex?
        var history: [Interaction] = []
        var codes: [UInt16] = []
        let width = contextTable.columns.count
        var isStopped = false
        func flush() -> Bool {
            guard let owner, !history.isEmpty else { return true }
            userCount += 1
            if history.count > historyLengthMax {
                history.removeFirst(history.count - historyLengthMax)
                codes.removeFirst(codes.count - historyLengthMax * width)
            }
            interactionCount += history.count
            defer {
                history.removeAll(keepingCapacity: true)
                codes.removeAll(keepingCapacity: true)
            }
            return body(owner, history, codes)
        }
        do throws(JournalError) {
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
                    if width > 0 {
                        let values = items?.contextReader.values(
                            of: event.record.properties.values
                        )
                        contextTable.append(values ?? [], to: &codes)
                    }
                }
                return true
            }
        } catch {
            isRevoked = error.code == .snapshotRevoked
            throw RecipeError(.readFailed, "\(error)")
        }
        if !isStopped { _ = flush() }
    }
}
