package import Primitives
package import Recipes

/// Histories that are given, as a training set.
package final class ListedHistories: TrainingSet, Sendable {
    package let itemCount: Int
    package let histories: [[Interaction]]

    private let described: [[ItemToken]]
    private let users: [[ItemToken]]

    package init(
        itemCount: Int,
        histories: [[Interaction]],
        described: [[ItemToken]] = [],
        users: [[ItemToken]] = []
    ) {
        self.users = users
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

    package mutating func insert(_ entry: Interaction, into live: any LivePart) {
        let index = entries.firstIndex { $0.occurredAt > entry.occurredAt } ?? entries.count
        entries.insert(entry, at: index)
        live.observe(change(at: index))
    }

    package mutating func remove(at index: Int, from live: any LivePart) {
        live.retract(change(at: index))
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
    package func list(_ history: [Interaction], of candidates: ItemBitmap, count: Int) -> [UInt32] {
        let scratch = RankingScratch()
        let words = candidates.words
        rank(
            RankingQuery(
                history: history.span,
                candidates: ItemBitmapView(words: words.span),
                count: count
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
