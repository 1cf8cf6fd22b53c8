import ArgumentParser
import Engine
import Foundation
import Primitives
import Recipes
import Resources
import Serving

/// What filters cost a recommendation, and a write.
struct FilterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "filters",
        abstract: "Measures what filters add to an answer and to a write.",
        discussion: """
            Makes a shop of generated items, asks the pipeline with and without a filter in turn, \
            and prints medians and their differences.
            """
    )

    @Option(name: .long, help: "Items of the shop.")
    var items: Int = 100_000

    @Option(name: .long, help: "Questions for each line.")
    var questions: Int = 2_000

    func run() throws {
        let shop = FilterShop(items: items)
        print("\(items) items, \(questions) questions a line; p50 in µs")
        for line in FilterShop.lines {
            let plain = shop.query(line.user)
            var asked = plain
            asked.filter = QuestionFilter(expression: line.expression, values: line.values)
            let (without, with) = try shop.medians(plain, asked, questions)
            print(
                "\(line.name): \(text(without)) without, \(text(with)) with, "
                    + "\(text(with - without)) more, \(text(with / without)) ×"
            )
        }
        try printWrites(shop)
    }

    private func printWrites(_ shop: FilterShop) throws {
        let without = shop.writes(100)
        let live = (0..<50).map { index in
            #"INCLUDE ItemID WHERE Items.GENRE IN ("g\#(index % 20)") AND "#
                + "Items.PRICE < \(index * 2 + 1)"
        }
        for expression in live { _ = try shop.seconds(shop.query("u1", expression)) }
        let with = shop.writes(100)
        print(
            "applying 10 items: \(text(without)) without filters, \(text(with)) with 50 live "
                + "ones, \(text(with / without)) ×"
        )
        var first: [Double] = []
        for round in 0..<200 {
            _ = shop.writes(1)
            first.append(try shop.seconds(shop.query("u1", live[round % 50])) * 1e6)
        }
        print("the first question of a filter behind writes of 10 items: \(text(median(first)))")
        print("item columns: \(shop.columnBytes / items) bytes an item")
    }

    private func text(_ number: Double) -> String { String(format: "%.2f", number) }
}

private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

/// A group of generated items with a campaign, without a store.
private final class FilterShop {
    struct Line {
        let name: String
        let user: String
        let expression: String
        var values: [String: [String]] = [:]
    }

    static let lines = [
        Line(
            name: "3 fixed atoms",
            user: "u1",
            expression: #"INCLUDE ItemID WHERE Items.GENRE IN ("g1", "g2", "g3") AND "#
                + "Items.PRICE < 80 AND Items.IN_STOCK = TRUE"
        ),
        Line(
            name: "EXCLUDE own purchases, 10,000 interactions",
            user: "heavy",
            expression: #"EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy")"#
        ),
        Line(
            name: "1 % of the items",
            user: "u1",
            expression: "INCLUDE ItemID WHERE Items.PRICE < 1"
        ),
        Line(
            name: "a value by parameter",
            user: "u1",
            expression: "INCLUDE ItemID WHERE Items.GENRE IN ($G)",
            values: ["G": ["g4"]]
        ),
        Line(
            name: "a number by parameter",
            user: "u1",
            expression: "INCLUDE ItemID WHERE Items.PRICE < $MAX",
            values: ["MAX": ["50"]]
        ),
    ]

    private static let group = ResourceName.datasetGroup("bench")
    private static let index = GroupIndex(0)
    private let engine = DatasetEngine(hash: StableHash(key: (1, 2)))
    private let registry: ModelRegistry
    private let pipeline: RecommendationPipeline
    private let scratch = RequestScratch()
    private let items: Int
    private var random = SeededGenerator(seed: 5)
    private var position: UInt64 = 0

    init(items: Int) {
        self.items = items
        registry = ModelRegistry(engine: engine)
        pipeline = RecommendationPipeline(engine: engine, table: registry.table)
        apply(resources())
        for start in stride(from: 0, to: items, by: 10_000) {
            var effects: [Effect] = []
            for item in start..<min(start + 10_000, items) {
                let index = ItemIndex(UInt32(item))
                effects.append(.itemNamed(Self.index, index, id: "i\(item)"))
                effects.append(.itemStored(Self.index, index, record(item)))
            }
            apply(effects)
        }
        apply([
            .eventTypeNamed(Self.index, EventTypeIndex(0), name: "view"),
            .eventTypeNamed(Self.index, EventTypeIndex(1), name: "buy"),
        ])
        for user in 0..<500 {
            history(UInt32(user), user == 0 ? "heavy" : "u\(user)", user == 0 ? 10_000 : 20)
        }
    }

    var columnBytes: Int { engine.group(Self.index)?.currentRoot.columns.bytes ?? 0 }

    private func record(_ item: Int) -> EntityRecord {
        let genre = "g\(Int.random(in: 0..<20, using: &random))"
        let other = "g\(Int.random(in: 0..<20, using: &random))"
        return EntityRecord(
            id: "i\(item)",
            properties: RecordProperties(values: [
                .string("\(genre)|\(other)"), .string("b\(item % 500)"),
                .double(Double.random(in: 0..<100, using: &random)),
                .boolean(Bool.random(using: &random)),
            ])
        )
    }

    private func history(_ owner: UInt32, _ id: String, _ count: Int) {
        var effects: [Effect] = [.ownerNamed(Self.index, UserIndex(owner), .user, id: id)]
        for ordinal in 0..<count {
            // A few items are liked by many.
            let bound = Int.random(in: 0..<4, using: &random) > 0 ? min(2_000, items) : items
            let item = Int.random(in: 0..<bound, using: &random)
            effects.append(
                .eventStored(
                    Self.index,
                    owner: UserIndex(owner),
                    StoredEvent(
                        position: LogPosition(position + 1),
                        ordinal: UInt16(ordinal),
                        item: ItemIndex(UInt32(item)),
                        type: EventTypeIndex(UInt16(ordinal % 2)),
                        record: EventRecord(
                            eventType: ordinal % 2 == 0 ? "view" : "buy",
                            itemID: "i\(item)",
                            occurredAt: Timestamp(
                                milliseconds: 1_700_000_000_000 + Int64(ordinal) * 1_000
                            )
                        ),
                        session: nil
                    )
                )
            )
        }
        apply(effects)
    }

    // MARK: Questions

    func query(_ user: String, _ expression: String = "") -> RecommendationQuery {
        var query = RecommendationQuery(
            campaign: Self.group.child("campaigns", "c").text,
            userID: user,
            sessionID: "",
            count: 25
        )
        query.filter = QuestionFilter(expression: expression)
        return query
    }

    func seconds(_ query: RecommendationQuery) throws -> Double {
        let started = DispatchTime.now().uptimeNanoseconds
        _ = try pipeline.answer(query, scratch)
        return Double(DispatchTime.now().uptimeNanoseconds - started) / 1e9
    }

    /// In microseconds, asked in turn so that both see the same machine.
    func medians(
        _ first: RecommendationQuery,
        _ second: RecommendationQuery,
        _ count: Int
    ) throws -> (Double, Double) {
        for _ in 0..<50 {
            _ = try seconds(first)
            _ = try seconds(second)
        }
        var times: ([Double], [Double]) = ([], [])
        for _ in 0..<count {
            times.0.append(try seconds(first) * 1e6)
            times.1.append(try seconds(second) * 1e6)
        }
        return (median(times.0), median(times.1))
    }

    // MARK: Writes

    /// The median of applying 10 items that are put again, in microseconds.
    func writes(_ count: Int) -> Double {
        var times: [Double] = []
        for _ in 0..<count {
            let effects: [Effect] = (0..<10).map { _ in
                let item = Int.random(in: 0..<items, using: &random)
                return .itemStored(Self.index, ItemIndex(UInt32(item)), record(item))
            }
            let started = DispatchTime.now().uptimeNanoseconds
            apply(effects)
            times.append(Double(DispatchTime.now().uptimeNanoseconds - started) / 1e3)
        }
        return median(times)
    }

    private func apply(_ effects: [Effect]) {
        position += 1
        registry.applied(
            engine.apply([Effects(position: LogPosition(position), effects: effects)])
        )
    }

    // MARK: Resources

    private func resources() -> [Effect] {
        var all: [Resource] = [
            .datasetGroup(DatasetGroup(header: Self.header("bench"), index: Self.index))
        ]
        let fields: [DatasetKind: [SchemaField]] = [
            .items: [
                SchemaField(name: "GENRE", type: .string, isCategorical: true),
                SchemaField(name: "BRAND", type: .string),
                SchemaField(name: "PRICE", type: .double),
                SchemaField(name: "IN_STOCK", type: .boolean),
            ],
            .interactions: [], .users: [],
        ]
        for kind in DatasetKind.allCases {
            let label = kind.collectionLabel
            all.append(
                .schema(
                    Schema(
                        header: Self.header(label),
                        kind: kind,
                        fields: fields[kind] ?? [],
                        document: ""
                    )
                )
            )
            all.append(
                .dataset(
                    Dataset(
                        header: Self.header(label),
                        group: Self.group,
                        kind: kind,
                        schema: .schema(label)
                    )
                )
            )
        }
        let solution = Self.group.child("solutions", "s")
        all.append(
            .solution(
                Solution(
                    header: Self.header("s"),
                    group: Self.group,
                    recipe: .recipe("user-personalization")
                )
            )
        )
        all.append(
            .campaign(
                Campaign(
                    header: Self.header("c"),
                    group: Self.group,
                    solutionVersion: solution.child("versions", ResourceName.latestLabel)
                )
            )
        )
        return all.map { .resourceStored($0.resourceName, $0) }
    }

    private static func header(_ name: String) -> ResourceHeader {
        ResourceHeader(
            name: name,
            status: .active,
            createdAt: Timestamp(milliseconds: 0),
            updatedAt: Timestamp(milliseconds: 0)
        )
    }
}
