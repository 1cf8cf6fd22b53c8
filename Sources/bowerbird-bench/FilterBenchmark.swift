import ArgumentParser
import Foundation
import Serving

/// What filters cost a recommendation, and a write.
struct FilterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "filters",
        abstract: "Measures what filters add to an answer and to a write.",
        discussion: """
            Makes a shop of generated items, asks the pipeline with and without a filter in turn, \
            and prints medians and what they add, beside what they may; a number by parameter or \
            clock also without the index of numbers; then what sets of items and indexes take.
            """
    )

    @Option(name: .long, help: "Items of the shop.")
    var items: Int = 100_000

    @Option(name: .long, help: "Questions for each line.")
    var questions: Int = 2_000

    private struct Line {
        let name: String
        var user = "u1"
        let expression: String
        var values: [String: [String]] = [:]
        var aim: Aim?
    }

    private enum Aim {
        /// Microseconds more than without a filter.
        case more(Double)
        /// Times the answer without a filter.
        case ratio(Double)
    }

    func run() throws {
        let shop = FilterShop(items: items)
        print("\(items) items, \(questions) questions a line; p50 of the whole answer in µs")
        for line in lines { try measure(line, shop) }
        for line in numberLines { try measureNumbers(line, shop) }
        try measureWrites(shop)
        try measureBytes(shop)
    }

    private var lines: [Line] {
        [
            Line(
                name: "3 fixed conditions",
                expression: #"INCLUDE ItemID WHERE Items.GENRE IN ("g1", "g2", "g3") AND "#
                    + "Items.PRICE < 80 AND Items.IN_STOCK = TRUE",
                aim: .more(items > 100_000 ? 40 : 5)
            ),
            Line(
                name: "EXCLUDE own purchases, 10,000 interactions",
                user: "heavy",
                expression: #"EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy")"#,
                aim: .more(60)
            ),
            Line(
                name: "1 % of the items",
                expression: "INCLUDE ItemID WHERE Items.PRICE < 1",
                aim: .ratio(1.5)
            ),
            Line(
                name: "a category by parameter",
                expression: "INCLUDE ItemID WHERE Items.GENRE IN ($G)",
                values: ["G": ["g4"]]
            ),
            Line(
                name: "the price of half of the items, fixed",
                expression: "INCLUDE ItemID WHERE Items.PRICE < 50"
            ),
        ]
    }

    private var numberLines: [Line] {
        [
            Line(
                name: "the same by parameter",
                expression: "INCLUDE ItemID WHERE Items.PRICE < $MAX",
                values: ["MAX": ["50"]]
            ),
            Line(
                name: "a price between two parameters",
                expression: "INCLUDE ItemID WHERE Items.PRICE BETWEEN $MIN AND $MAX",
                values: ["MIN": ["30"], "MAX": ["50"]]
            ),
            Line(
                name: "created in the last 30 days",
                expression: "INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP > NOW - 30 DAYS"
            ),
        ]
    }

    private func measure(_ line: Line, _ shop: FilterShop) throws {
        let plain = shop.query(line.user)
        let asked = shop.query(line.user, line.expression, line.values)
        let times = try shop.medians(
            [{ try shop.seconds(plain) }, { try shop.seconds(asked) }],
            questions
        )
        let more = times[1] - times[0]
        let ratio = times[1] / times[0]
        let aim =
            switch line.aim {
            case .more(let bound): verdict("\(text(bound)) more", more <= bound)
            case .ratio(let bound): verdict("\(text(bound)) ×", ratio <= bound)
            case nil: ""
            }
        print(
            "\(line.name): \(text(times[0])) without, \(text(times[1])) with, \(text(more)) more, "
                + "\(text(ratio)) ×\(aim)"
        )
    }

    private func measureNumbers(_ line: Line, _ shop: FilterShop) throws {
        let plain = shop.query(line.user)
        let asked = shop.query(line.user, line.expression, line.values)
        func seconds(isIndexed: Bool) throws -> Double {
            shop.usesNumberIndexes = isIndexed
            return try shop.seconds(asked)
        }
        let times = try shop.medians(
            [
                { try shop.seconds(plain) }, { try seconds(isIndexed: true) },
                { try seconds(isIndexed: false) },
            ],
            questions
        )
        shop.usesNumberIndexes = true
        print(
            "\(line.name): \(text(times[0])) without, \(text(times[1])) with the index, "
                + "\(text(times[2])) reading the column, \(text(times[1] - times[2])) more"
        )
    }

    private func measureWrites(_ shop: FilterShop) throws {
        let without = shop.writes(200)
        let live = (0..<50).map { index in
            #"INCLUDE ItemID WHERE Items.GENRE IN ("g\#(index % 20)") AND "#
                + "Items.PRICE < \(index * 2 + 1)"
        }
        for expression in live { _ = try shop.seconds(shop.query("u1", expression)) }
        let ratio = shop.writes(200) / without
        print(
            "putting 10 items with 50 live filters, which \(text(without)) take without: "
                + "\(text(ratio)) ×\(verdict("1.30 ×", ratio <= 1.3))"
        )
        var first: [Double] = []
        for round in 0..<200 {
            _ = shop.writes(1)
            first.append(try shop.seconds(shop.query("u1", live[round % 50])) * 1e6)
        }
        print("the first question of a filter behind writes of 10 items: \(text(median(first)))")
    }

    private func measureBytes(_ shop: FilterShop) throws {
        func bytes(_ expression: String, _ values: [String: [String]]) throws -> Int {
            let before = shop.filterBytes
            _ = try shop.seconds(shop.query("u1", expression, values))
            return shop.filterBytes - before
        }
        let dense = try bytes("INCLUDE ItemID WHERE Items.GENRE IN ($G)", ["G": ["g9"]])
        let sparse = try bytes("INCLUDE ItemID WHERE Items.BRAND IN ($B)", ["B": ["b9"]])
        // 12.5 KiB for 100,000 items.
        let bound = items * 128 / 1_000
        print(
            "bytes of a value that every tenth item has: \(dense)"
                + verdict("\(bound)", dense <= bound)
        )
        print(
            "bytes of a value that every 500th item has: \(sparse)"
                + verdict("less than that", sparse < dense)
        )
        print("bytes of the item columns: \(shop.columnBytes / items) an item")
    }

    private func verdict(_ bound: String, _ isReached: Bool) -> String {
        "; at most \(bound), \(isReached ? "reached" : "missed")"
    }

    private func text(_ number: Double) -> String { String(format: "%.2f", number) }
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
