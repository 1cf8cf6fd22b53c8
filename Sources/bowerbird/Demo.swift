import BowerbirdClient
import Foundation

/// The steps of the demo, each a short screen.
struct Demo {
    let world: DemoWorld
    let server: DemoServer
    let group = "datasetGroups/demo"
    let campaign = "datasetGroups/demo/campaigns/user-personalization"

    func run() async throws {
        try server.start()
        var client = try BowerbirdClient(server: server.address)
        try await create(client)
        try await badRows(client)
        try await train(client)
        try await newTaste(client)
        try await newUser(client)
        try await session(client)
        try await newItem(client)
        try await filters(client)
        try await deletion(client)
        client = try await restart(client)
        client.close()
    }

    func title(_ step: Int, _ text: String) {
        print("\n[\(step)/11] \(text)")
    }

    // MARK: Steps

    private func create(_ client: BowerbirdClient) async throws {
        title(1, "Create a dataset group and import")
        _ = try await client.createDatasetGroup("demo")
        for (type, path) in [
            (DatasetType.interactions, world.interactionsPath), (.items, world.itemsPath),
        ] {
            let document = try await InitCommand.schema(of: path, type)
            let schema = try await client.createSchema("demo-\(type)", document: document)
            _ = try await client.createDataset("\(type)", group: group, type: type, schema: schema)
            let report = try await Importer(
                client: client,
                group: group,
                eventType: "rating",
                inFlight: 32,
                showsProgress: isatty(STDERR_FILENO) == 1
            ).run(type, path)
            print("      \(type): \(report.summary)")
        }
        print("      Every acknowledged row is on disk and in the next answer.")
    }

    private func train(_ client: BowerbirdClient) async throws {
        title(3, "Train, and ask for user \(world.user)")
        let solution = try await client.createSolution(
            "user-personalization",
            group: group,
            recipe: "recipes/user-personalization"
        )
        let started = ContinuousClock.now
        let version = try await client.createSolutionVersion(solution: solution)
        try await waitUntilActive(client, version)
        print("      trained in \(milliseconds(since: started)) ms")
        _ = try await client.createCampaign("user-personalization", solutionVersion: version)
        show([try await list(client, world.user)], ["user \(world.user)"])
    }

    private func newTaste(_ client: BowerbirdClient) async throws {
        title(4, "Three events of another taste")
        let before = try await list(client, world.user)
        let strangerBefore = try await list(client, world.stranger)
        let others = try await otherTaste(client, before)
        for item in others {
            print("      + \(world.label(item))")
            try await put(client, world.user, item)
        }
        let started = ContinuousClock.now
        let after = try await list(client, world.user)
        let elapsed = milliseconds(since: started)
        show([before, after], ["before", "after"])
        let strangerAfter = try await list(client, world.stranger)
        print(
            "      changed \(changes(before, after)) of 10, \(elapsed) ms after the "
                + "acknowledgement; a stranger's list: "
                + "\(changes(strangerBefore, strangerAfter)) of 10 "
                + "changed"
        )
    }

    private func newUser(_ client: BowerbirdClient) async throws {
        title(5, "A new user, before and after one event")
        let before = try await list(client, "newcomer")
        let item = try await otherTaste(client, before)[0]
        print("      + \(world.label(item))")
        try await put(client, "newcomer", item)
        show([before, try await list(client, "newcomer")], ["popular", "after one event"])
        try await hitRates(client)
    }

    /// How soon somebody new is known.
    private func hitRates(_ client: BowerbirdClient) async throws {
        guard let heldOut = world.heldOut, !heldOut.histories.isEmpty else { return }
        let rates = try await heldOut.hitRates(
            client,
            campaign: campaign,
            group: group,
            eventType: "rating"
        )
        print("      \(heldOut.histories.count) users whom the training never saw: one of their")
        print("      next five items is among the ten, after 0 to 5 of their events:")
        print("      " + rates.map { String(format: "%3.0f %%", $0 * 100) }.joined(separator: "  "))
    }

    private func newItem(_ client: BowerbirdClient) async throws {
        title(7, "A new item")
        let count = try await client.recommend(campaign: campaign, userID: world.user).eligibleCount
        let taste = world.favourite(of: try await list(client, world.user))
        let properties = try JSONEncoder().encode(["TITLE": "Brand New", "GENRES": taste])
        let record = Record(
            id: "brand-new",
            properties: String(decoding: properties, as: UTF8.self)
        )
        let started = ContinuousClock.now
        _ = try await client.putItems([record], group: group)
        let after = try await client.recommend(campaign: campaign, userID: world.user)
        print(
            "      \(count) items could be recommended, now \(after.eligibleCount), "
                + "\(milliseconds(since: started)) ms after it was put."
        )
        print("      Its record says \(taste). Without any event it is at place")
        for user in [world.user, world.stranger] {
            print("        \(try await place(client, user)) for user \(user)")
        }
        try await exploration(client, properties: record.properties)
        try await put(client, world.stranger, "brand-new")
        print(
            "      After its first event it is at place "
                + "\(try await place(client, "somebody-else")) for somebody new."
        )
    }

    /// How soon another such item is shown, before any model knows it, and to whom.
    private func exploration(_ client: BowerbirdClient, properties: String) async throws {
        let clock = ExplorationClock(client: client, campaign: campaign)
        let record = Record(id: "hidden-gem", properties: properties)
        let found = try await clock.measure(record, group: group, for: world.user)
        guard let (elapsed, lists) = found else { return }
        print(
            "      Another like it was explored " + String(format: "%.1f ms", elapsed)
                + " after it was put, in list \(lists) of user \(world.user);"
        )
        var counts: [String] = []
        for user in [world.user, world.stranger] {
            let count = try await clock.count(record.id, for: user, lists: 200)
            counts.append("\(count) of 200 for user \(user)")
        }
        print("      of lists at other times it is in \(counts.joined(separator: ", "))")
    }

    /// Where the new item is in the whole list of a user.
    private func place(_ client: BowerbirdClient, _ user: String) async throws -> String {
        let list = try await list(client, user, count: 500)
        return list.firstIndex(of: "brand-new").map { "\($0 + 1)" } ?? "none of the first 500"
    }

    private func restart(_ client: BowerbirdClient) async throws -> BowerbirdClient {
        title(10, "kill -9")
        let users = [world.user, world.stranger, "newcomer", "visitor", "nobody"]
        var before: [[String]] = []
        for user in users { before.append(try await list(client, user)) }
        client.close()
        server.kill()
        print("      the server is gone")
        title(11, "Restart, and the same lists")
        let started = ContinuousClock.now
        try server.start()
        let client = try BowerbirdClient(server: server.address)
        var isSame = true
        for (user, old) in zip(users, before) {
            let new = try await list(client, user)
            isSame = isSame && new == old
            print("      \(user): \(new == old ? "same list" : "DIFFERENT")")
        }
        print("      ready and asked after \(milliseconds(since: started)) ms")
        guard isSame else { throw CommandFailure(description: "a list changed over the restart") }
        return client
    }

    // MARK: Parts

    func list(
        _ client: BowerbirdClient,
        _ user: String,
        count: Int = 10
    ) async throws -> [String] {
        try await client.recommend(campaign: campaign, userID: user, count: count)
            .items.map(\.itemID)
    }

    func put(
        _ client: BowerbirdClient,
        _ user: String,
        _ item: String,
        session: String = "demo"
    ) async throws {
        let event = Event(
            type: "rating",
            itemID: item,
            sentAtMS: Int64(Date().timeIntervalSince1970 * 1_000)
        )
        _ = try await client.putEvents([event], userID: user, sessionID: session, group: group)
    }

    /// Three popular items of one taste that the list has nothing of.
    func otherTaste(
        _ client: BowerbirdClient,
        _ list: [String]
    ) async throws -> [String] {
        let known = Set(list.flatMap { (world.tastes[$0] ?? "").split(separator: "|") })
        let popular = try await self.list(client, "nobody", count: 500)
        var byTaste: [String: [String]] = [:]
        for item in popular {
            guard let taste = world.tastes[item]?.split(separator: "|").first,
                !known.contains(taste)
            else { continue }
            byTaste[String(taste), default: []].append(item)
            if let found = byTaste[String(taste)], found.count == 3 { return found }
        }
        return Array(popular.filter { !list.contains($0) }.suffix(3))
    }

    private func changes(_ before: [String], _ after: [String]) -> Int {
        Set(after).subtracting(before).count
    }

    /// Lists side by side; the last is compared with the one before it.
    func show(_ lists: [[String]], _ heads: [String]) {
        func cell(_ text: String) -> String {
            text.padding(toLength: 50, withPad: " ", startingAt: 0)
        }
        print("      " + heads.map(cell).joined())
        for row in 0..<(lists.map(\.count).max() ?? 0) {
            var line = "  \(String(row + 1).padding(toLength: 3, withPad: " ", startingAt: 0)) "
            for (index, list) in lists.enumerated() where row < list.count {
                let mark = index > 0 ? move(list[row], row, lists[index - 1]) : ""
                line += cell(world.label(list[row]) + mark)
            }
            print(line)
        }
    }

    private func move(_ item: String, _ row: Int, _ before: [String]) -> String {
        guard let old = before.firstIndex(of: item) else { return " new" }
        return old > row ? " ↑" : old < row ? " ↓" : ""
    }

    private func milliseconds(since start: ContinuousClock.Instant) -> String {
        let elapsed = ContinuousClock.now - start
        let value =
            Double(elapsed.components.attoseconds) / 1e15
            + Double(elapsed.components.seconds) * 1_000
        return String(format: "%.1f", value)
    }
}
