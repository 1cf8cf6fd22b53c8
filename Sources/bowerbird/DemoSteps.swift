import BowerbirdClient
import Foundation

/// Steps that show what a list alone does not: bad rows, sessions, filters, deletion.
extension Demo {
    /// The value of `GENRES` that hides an item from lists with the filter of `filters`.
    private static let hidden = "Hidden"

    // MARK: Import

    func badRows(_ client: BowerbirdClient) async throws {
        title(2, "A file with rows that can't be right")
        let item = world.titles.keys.min() ?? ""
        let file = """
            USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE
            visitor-0,\(item),1700000000,rating,4
            visitor-0,\(item),yesterday,rating,4
            visitor-0,,1700000002,rating,4
            visitor-0,\(item),1700000003,rating,five

            """
        let upload = try await client.uploadImport(
            "events",
            dataset: "\(group)/datasets/interactions",
            fileName: "events.csv",
            settings: ImportSettings(mode: .incremental)
        )
        try await upload.send(Array(file.utf8))
        let job = try await upload.finish()
        let state = try await JobProgressLine(false).follow(job, client)
        print(
            "      \(state.rowCount) rows: \(state.appliedCount) applied, "
                + "\(state.rejectedCount) refused; \(state.status)"
        )
        for row in state.rejectedRows {
            let column = row.column.isEmpty ? "" : ", \(row.column)"
            print("      \(row.file) line \(row.line)\(column): \(row.reason)")
        }
        guard state.isActive, state.rejectedRows.count == 3 else {
            throw CommandFailure(description: "the import did not refuse the three bad rows")
        }
    }

    // MARK: Sessions

    func session(_ client: BowerbirdClient) async throws {
        title(6, "An anonymous session that signs in")
        let user = "visitor"
        let before = try await client.recommend(question(user))
        let items = try await otherTaste(client, before.items.map(\.itemID))
        for item in items {
            print("      + \(world.label(item)), by a session without a user")
            try await put(client, "", item, session: "phone")
        }
        let unsigned = try await client.recommend(question(user))
        // An event without an item says who the session is, and nothing of a taste.
        let signIn = Event(
            type: "sign-in",
            itemID: "",
            sentAtMS: Int64(Date().timeIntervalSince1970 * 1_000)
        )
        _ = try await client.putEvents([signIn], userID: user, sessionID: "phone", group: group)
        print("      + one event that carries both ids, and no item")
        let after = try await list(client, user)
        show([unsigned.items.map(\.itemID), after], ["the user before it", "and after it"])
        let events = try await client.listInteractions(of: .user(user), group: group)
        print("      The user's history now has \(events.elements.count) events.")
        guard after != unsigned.items.map(\.itemID),
            Set(items).isSubset(of: events.elements.map(\.event.itemID))
        else { throw CommandFailure(description: "the session did not reach the user") }
    }

    // MARK: Filters

    private func genre(_ taste: String) -> String {
        "INCLUDE ItemID WHERE Items.GENRES IN (\"\(taste)\")"
    }

    func filters(_ client: BowerbirdClient) async throws {
        title(8, "A filter, and an item that it hides")
        let years = " AND Items.YEAR BETWEEN 1980 AND 2009"
        let filter =
            genre(world.shelf) + years
            + " | EXCLUDE ItemID WHERE Items.GENRES IN (\"\(Self.hidden)\")"
        let before = try await explain(client, filter)
        guard let item = before.first else {
            throw CommandFailure(description: "the filter leaves nothing")
        }
        let genres = "\(world.tastes[item] ?? world.shelf)|\(Self.hidden)"
        let change = Record(id: item, properties: "{\"GENRES\":\(try quoted(genres))}")
        _ = try await client.updateItem(change, group: group)
        print("      \(world.label(item)) is \(Self.hidden) now:")
        let after = try await explain(client, filter)
        show([before, after], ["before", "after"])
        guard !after.contains(item) else {
            throw CommandFailure(description: "'\(item)' is still shown")
        }
    }

    /// Prints what the filter leaves; the list of the user with it.
    private func explain(_ client: BowerbirdClient, _ filter: String) async throws -> [String] {
        let reading = try await client.validateFilter(
            filter,
            group: group,
            explainedFor: FilterAsker(userID: world.user)
        )
        try FilterReport(reading).printProblems()
        for line in FilterReport(reading).lines { print("      \(line)") }
        let answer = try await client.recommend(question(world.user, filter: filter))
        guard answer.eligibleCount == reading.explanation?.eligibleCount else {
            throw CommandFailure(description: "the list and the explanation count differently")
        }
        return answer.items.map(\.itemID)
    }

    // MARK: Deletion

    func deletion(_ client: BowerbirdClient) async throws {
        title(9, "Delete a user and an item")
        let user = "newcomer"
        let before = try await client.recommend(question(user))
        guard let item = before.items.first?.itemID else {
            throw CommandFailure(description: "'\(user)' has no list")
        }
        let events = try await client.listInteractions(of: .user(user), group: group)
        _ = try await client.delete(.item(item), group: group)
        _ = try await client.delete(.user(user), group: group)
        let after = try await client.recommend(question(user))
        let left = try await client.listInteractions(of: .user(user), group: group)
        let nobody = try await client.recommend(question("nobody"))
        let list = after.items.map(\.itemID)
        let isUnknown = zip(modelled(after), modelled(nobody)).allSatisfy { $0 == $1 }
        show([before.items.map(\.itemID), list], [user, "after both are deleted"])
        print(
            "      events of the user: \(events.elements.count), now \(left.elements.count); the "
                + "list is that of somebody unknown: \(isUnknown ? "yes" : "NO")"
        )
        print(
            "      \(before.eligibleCount) items could be recommended, now "
                + "\(after.eligibleCount); \(world.label(item)) is in no list"
        )
        let everything = try await self.list(client, world.user, count: 500)
        guard isUnknown, left.elements.isEmpty, !everything.contains(item),
            after.eligibleCount + 1 == before.eligibleCount
        else { throw CommandFailure(description: "something is left of what was deleted") }
    }

    // MARK: Parts

    /// The list without what exploration put into it, which is another for everybody.
    private func modelled(_ answer: Recommendations) -> [String] {
        answer.items.filter { !$0.reasons.contains("explored") }.map(\.itemID)
    }

    private func question(_ user: String, filter: String = "") -> RecommendationQuestion {
        var question = RecommendationQuestion(campaign: campaign, userID: user, count: 10)
        question.filter.expression = filter
        return question
    }

    private func quoted(_ text: String) throws -> String {
        String(decoding: try JSONEncoder().encode(text), as: UTF8.self)
    }
}
