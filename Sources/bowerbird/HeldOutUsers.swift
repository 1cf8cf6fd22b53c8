import BowerbirdClient
import Foundation

/// Users whose past the server never sees, to ask how soon it knows them.
///
/// Every twentieth user with enough events is taken out of the demo's file.
struct HeldOutUsers {
    private static let usersMax = 40
    private static let eventsMin = 15
    /// Events that are put one by one.
    private static let eventsPut = 5
    /// What comes next within so many events is a hit.
    private static let horizon = 5

    /// By user: items in order of time.
    private(set) var histories: [(user: String, items: [String])] = []
    /// The file without them.
    let remaining: String

    /// Reads MovieLens' ratings, or the made-up world's events: no cell is quoted.
    init(of path: String, except kept: Set<String>, in directory: String) throws {
        let lines = try String(contentsOfFile: path, encoding: .utf8)
            .split(whereSeparator: \.isNewline)
        remaining = directory + "/without-held-out.csv"
        guard let header = lines.first else { return }
        let columns = header.split(separator: ",").map { column in
            column.lowercased().filter { $0 != "_" }
        }
        func place(_ names: [String]) throws -> Int {
            guard let place = columns.firstIndex(where: { names.contains($0) }) else {
                throw CommandFailure(description: "'\(path)' has no column \(names[0])")
            }
            return place
        }
        let user = try place(["userid"])
        let item = try place(["itemid", "movieid"])
        let time = try place(["timestamp"])
        var events: [Substring: [(seconds: Int, item: String)]] = [:]
        var order: [Substring] = []
        for line in lines.dropFirst() {
            let cells = line.split(separator: ",", omittingEmptySubsequences: false)
            guard cells.count == columns.count, let seconds = Int(cells[time]) else { continue }
            if events[cells[user]] == nil { order.append(cells[user]) }
            events[cells[user], default: []].append((seconds, String(cells[item])))
        }
        let able = order.filter { events[$0, default: []].count >= Self.eventsMin }
        var taken: Set<Substring> = []
        for (index, user) in able.enumerated()
        where index % 20 == 19 && !kept.contains(String(user)) && taken.count < Self.usersMax {
            taken.insert(user)
            let items = events[user, default: []].sorted { $0.seconds < $1.seconds }.map(\.item)
            histories.append((String(user), items))
        }
        let rest = lines.filter { line in
            let cells = line.split(separator: ",", omittingEmptySubsequences: false)
            return cells.count <= user || !taken.contains(cells[user])
        }
        try rest.joined(separator: "\n").write(toFile: remaining, atomically: true, encoding: .utf8)
    }

    /// After 0 to 5 events: the share of the users of whose next five events one is among their ten
    /// items.
    func hitRates(
        _ client: BowerbirdClient,
        campaign: String,
        group: String,
        eventType: String
    ) async throws -> [Double] {
        var hits = [Double](repeating: 0, count: Self.eventsPut + 1)
        for (user, items) in histories {
            for count in 0...Self.eventsPut {
                let list = try await client.recommend(
                    RecommendationQuestion(
                        campaign: campaign,
                        userID: user,
                        count: 10,
                        excludeInteracted: true
                    )
                ).items.map(\.itemID)
                let next = items[count..<min(count + Self.horizon, items.count)]
                if next.contains(where: { list.contains($0) }) { hits[count] += 1 }
                guard count < Self.eventsPut else { continue }
                let event = Event(
                    type: eventType,
                    itemID: items[count],
                    sentAtMS: Int64(Date().timeIntervalSince1970 * 1_000)
                )
                _ = try await client.putEvents(
                    [event],
                    userID: user,
                    sessionID: "demo-\(user)",
                    group: group
                )
            }
        }
        return hits.map { $0 / Double(max(1, histories.count)) }
    }
}

/// How soon, and to whom, a new item is shown because nobody knows it yet.
struct ExplorationClock {
    let client: BowerbirdClient
    let campaign: String

    /// Milliseconds from the put to the user's first list that explores the item, and how many
    /// lists were asked for, each with noise of its own; `nil` when none of `listsMax` had it.
    func measure(
        _ record: Record,
        group: String,
        for user: String,
        listsMax: UInt64 = 1_000
    ) async throws -> (milliseconds: Double, lists: UInt64)? {
        let started = ContinuousClock.now
        _ = try await client.putItems([record], group: group)
        for seed in 1...listsMax where try await isExplored(record.id, for: user, seed) {
            let elapsed = (ContinuousClock.now - started).components
            let milliseconds =
                Double(elapsed.seconds) * 1_000 + Double(elapsed.attoseconds) / 1e15
            return (milliseconds, seed)
        }
        return nil
    }

    /// In how many of so many lists of a user an item is explored.
    func count(_ item: String, for user: String, lists: UInt64) async throws -> Int {
        var count = 0
        for seed in 1...lists where try await isExplored(item, for: user, seed) { count += 1 }
        return count
    }

    private func isExplored(_ item: String, for user: String, _ seed: UInt64) async throws -> Bool {
        var query = RecommendationQuestion(campaign: campaign, userID: user)
        query.seed = seed
        return try await client.recommend(query).items.contains {
            $0.itemID == item && $0.reasons.contains("explored")
        }
    }
}
