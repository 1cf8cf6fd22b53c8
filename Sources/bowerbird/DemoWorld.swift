import Formats
import Foundation

/// The catalogue and the past that the demo shows.
struct DemoWorld {
    var titles: [String: String] = [:]
    var tastes: [String: String] = [:]
    var interactionsPath: String
    var itemsPath: String
    /// A user with a history, and items of a taste that is not theirs.
    var user: String
    var stranger: String
    /// The least common taste that has enough items for a list.
    var shelf: String {
        var counts: [String: Int] = [:]
        for tastes in tastes.values {
            for taste in tastes.split(separator: "|") { counts[String(taste), default: 0] += 1 }
        }
        let full = counts.filter { $0.value >= 40 }
        return full.min { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? ""
    }

    /// Users whose events are not imported.
    var heldOut: HeldOutUsers?

    /// Takes some users out of the file that is imported.
    mutating func holdOut(in directory: String) throws {
        let users = try HeldOutUsers(
            of: interactionsPath,
            except: [user, stranger],
            in: directory
        )
        interactionsPath = users.remaining
        heldOut = users
    }

    /// MovieLens files, as published; the year in a title becomes a column of a copy of the items.
    static func movieLens(_ directory: String, copies: String) async throws -> DemoWorld {
        var world = DemoWorld(
            interactionsPath: directory + "/ratings.csv",
            itemsPath: copies + "/items.csv",
            user: "15",
            stranger: "30"
        )
        var lines = ["ITEM_ID,TITLE,GENRES,YEAR"]
        try await Table.read(directory + "/movies.csv", reserved: ["ITEM_ID"]) { table, rows in
            guard let id = table.index("ITEM_ID"), let title = table.index("TITLE") else {
                throw CommandFailure(description: "'\(table.path)' has no movieId and title")
            }
            let genres = table.index("GENRES")
            for row in rows where row.cells.count > max(id, title) {
                world.titles[row.cells[id]] = row.cells[title]
                world.tastes[row.cells[id]] = genres.map { row.cells[$0] } ?? ""
                lines.append(line(row.cells[id], world))
            }
        }
        try lines.joined(separator: "\n")
            .write(toFile: world.itemsPath, atomically: true, encoding: .utf8)
        return world
    }

    /// `1,"Toy Story (1995)","Animation|Comedy",1995`.
    private static func line(_ item: String, _ world: DemoWorld) -> String {
        let title = world.titles[item] ?? ""
        let year = title.split(separator: "(").last?.prefix { $0.isNumber } ?? ""
        let cells = [title, world.tastes[item] ?? ""].map { text in
            "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
        }
        return ([item] + cells + [year.count == 4 ? String(year) : ""]).joined(separator: ",")
    }

    /// A seeded catalogue of readable titles: four tastes, and users who mostly keep to one.
    static func generated(in directory: String) throws -> DemoWorld {
        let adjectives = [
            "Quiet", "Golden", "Electric", "Lost", "Midnight", "Early", "Blue", "Long",
        ]
        let nouns: [(taste: String, words: [String])] = [
            ("Jazz", ["Saxophone", "Club", "Trio", "Standards", "Ballads", "Brushes"]),
            ("Mountain", ["Ridge", "Glacier", "Summit", "Valley", "Refuge", "Pass"]),
            ("Kitchen", ["Noodles", "Bakery", "Spices", "Market", "Oven", "Broth"]),
            ("Space", ["Orbit", "Comet", "Station", "Nebula", "Lander", "Horizon"]),
        ]
        var world = DemoWorld(
            interactionsPath: directory + "/interactions.csv",
            itemsPath: directory + "/items.csv",
            user: "u0",
            stranger: "u1"
        )
        var items = "ITEM_ID,TITLE,GENRES,YEAR\n"
        var byTaste: [[String]] = []
        for (taste, words) in nouns {
            var ids: [String] = []
            for word in words {
                for adjective in adjectives {
                    let id = "\(taste.lowercased())-\(ids.count)"
                    ids.append(id)
                    world.titles[id] = "\(adjective) \(word)"
                    world.tastes[id] = taste
                    let year = 1980 + ids.count * 7 % 45
                    items += "\(id),\(adjective) \(word),\(taste),\(year)\n"
                }
            }
            byTaste.append(ids)
        }
        var random = SeededNumbers(state: 42)
        var rows = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n"
        for user in 0..<400 {
            for step in 0..<20 {
                let taste = random.next(10) == 0 ? random.next(4) : user % 4
                let item = byTaste[taste][min(random.next(48), random.next(48))]
                rows += "u\(user),\(item),\(1_700_000_000 + step * 600 + user),play\n"
            }
        }
        try items.write(toFile: world.itemsPath, atomically: true, encoding: .utf8)
        try rows.write(toFile: world.interactionsPath, atomically: true, encoding: .utf8)
        return world
    }

    /// The taste of the most items.
    func favourite(of items: [String]) -> String {
        let counts = Dictionary(items.compactMap { tastes[$0] }.map { ($0, 1) }) { $0 + $1 }
        return counts.min { ($1.value, $0.key) < ($0.value, $1.key) }?.key ?? ""
    }

    /// `Title (taste)`, cut to a column.
    func label(_ id: String) -> String {
        let taste = tastes[id].map {
            " · \($0.split(separator: "|").prefix(2).joined(separator: ", "))"
        }
        let text = (titles[id] ?? id) + (taste ?? "")
        return text.count > 46 ? String(text.prefix(45)) + "…" : text
    }
}

/// Numbers that a seed repeats.
private struct SeededNumbers {
    var state: UInt64

    mutating func next(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
}
