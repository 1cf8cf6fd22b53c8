package import Primitives
package import Recipes

/// Histories that are given, as a training set.
package final class ListedHistories: TrainingSet, Sendable {
    package let itemCount: Int
    package let histories: [[Interaction]]

    private let described: [[ItemToken]]
    private let users: [[ItemToken]]
    package let contextTable: ContextTable
    private let codes: [[UInt16]]

    /// `contexts[u][e]` is what own columns say of entry e of history u.
    package init(
        itemCount: Int,
        histories: [[Interaction]],
        described: [[ItemToken]] = [],
        users: [[ItemToken]] = [],
        columns: [ContextTable.Column] = [],
        contexts: [[[ContextValue]]] = []
    ) {
        self.users = users
        var table = ContextTable(columns)
        var codes: [[UInt16]] = []
        for history in contexts {
            codes.append([])
            for context in history { table.append(context, to: &codes[codes.count - 1]) }
        }
        contextTable = table
        self.codes = codes
        self.itemCount = itemCount
        self.histories = histories
        self.described = described
    }

    package func tokens(of item: ItemIndex) -> [ItemToken] {
        Int(item.rawValue) < described.count ? described[Int(item.rawValue)] : []
    }

    package func tokens(ofUser user: UserIndex) -> [ItemToken] {
        Int(user.rawValue) < users.count ? users[Int(user.rawValue)] : []
    }

    package var userCount: Int { histories.count }
    package var interactionCount: Int { histories.reduce(0) { $0 + $1.count } }

    package func forEachHistory(_ body: (UserIndex, [Interaction]) -> Bool) {
        for (index, history) in histories.enumerated() {
            guard body(UserIndex(UInt32(index)), history) else { return }
        }
    }

    package func forEachHistoryInContext(
        _ body: (UserIndex, [Interaction], [UInt16]) -> Bool
    ) {
        for (index, history) in histories.enumerated() {
            let codes = index < codes.count ? codes[index] : []
            guard body(UserIndex(UInt32(index)), history, codes) else { return }
        }
    }

    /// Users who each walk through the items of one cluster: item `i` is of cluster `i % clusters`.
    package static func clusters(
        _ clusters: Int,
        itemsEach: Int,
        usersEach: Int,
        seed: UInt64
    ) -> ListedHistories {
        var random = SeededGenerator(seed: seed)
        var histories: [[Interaction]] = []
        for user in 0..<clusters * usersEach {
            let cluster = user % clusters
            histories.append(
                (0..<15).map { step in
                    let item = Int.random(in: 0..<itemsEach, using: &random) * clusters + cluster
                    return Interaction(
                        item: ItemIndex(UInt32(item)),
                        type: EventTypeIndex(0),
                        occurredAt: Timestamp(milliseconds: Int64(user * 1_000 + step * 10))
                    )
                }
            )
        }
        return ListedHistories(itemCount: clusters * itemsEach, histories: histories)
    }
}

/// A history that tells a live part of every change, as the engine does.
package struct FollowedHistory {
    package private(set) var entries: [Interaction] = []
    private let user: UserIndex

    package init(user: UserIndex) {
        self.user = user
    }

    package mutating func insert(
        _ entry: Interaction,
        into live: any LivePart,
        in context: [ContextValue] = []
    ) {
        let index = entries.firstIndex { $0.occurredAt > entry.occurredAt } ?? entries.count
        entries.insert(entry, at: index)
        live.observe(change(at: index), in: context)
    }

    package mutating func remove(
        at index: Int,
        from live: any LivePart,
        in context: [ContextValue] = []
    ) {
        live.retract(change(at: index), in: context)
        entries.remove(at: index)
    }

    private func change(at index: Int) -> HistoryChange {
        let start = max(0, index - Limits.liveWindowMax)
        let end = min(entries.count, index + Limits.liveWindowMax + 1)
        return HistoryChange(
            user: user,
            window: Array(entries[start..<end]),
            index: index - start,
            isOnlyOneOfItem: entries.filter { $0.item == entries[index].item }.count == 1
        )
    }
}

extension TrainedModel {
    /// The best items of a question, as numbers.
    package func list(
        _ history: [Interaction],
        of candidates: ItemBitmap,
        count: Int,
        in context: [ContextValue] = []
    ) -> [UInt32] {
        let scratch = RankingScratch()
        let words = candidates.words
        rank(
            RankingQuery(
                history: history.span,
                candidates: ItemBitmapView(words: words.span),
                count: count,
                context: context
            ),
            scratch: scratch
        )
        return scratch.top.map(\.item.rawValue)
    }

    /// Its artifact.
    package var artifact: [UInt8] {
        let writer = ByteWriter()
        encode(into: writer)
        return unsafe writer.withUnsafeBytes { unsafe Array($0) }
    }
}
