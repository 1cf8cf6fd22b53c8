import Engine
import Foundation
import Primitives
import Recipes
import Resources
import Serving

/// A group of generated items with a campaign, without a store.
final class FilterShop {
    private static let group = ResourceName.datasetGroup("bench")
    private static let index = GroupIndex(0)
    private static let askedAt = Timestamp(milliseconds: 1_700_000_000_000)
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

    var columnBytes: Int { store.currentRoot.columns.bytes }

    /// Of the sets and indexes that filters have left.
    var filterBytes: Int { store.filters.byteCount }

    /// Whether numbers are looked up in their index, which is made where it is missing.
    var usesNumberIndexes = true {
        didSet { store.filters.numbers.indexing = usesNumberIndexes ? .inRequests : .never }
    }

    private var store: GroupStore {
        guard let store = engine.group(Self.index) else { preconditionFailure("the group is made") }
        return store
    }

    private func record(_ item: Int) -> EntityRecord {
        let genre = "g\(Int.random(in: 0..<20, using: &random))"
        let other = "g\(Int.random(in: 0..<20, using: &random))"
        return EntityRecord(
            id: "i\(item)",
            properties: RecordProperties(values: [
                .string("\(genre)|\(other)"), .string("b\(item % 500)"),
                .double(Double.random(in: 0..<100, using: &random)),
                .boolean(Bool.random(using: &random)),
            ]),
            createdAt: Timestamp(
                milliseconds: Self.askedAt.milliseconds
                    - Int64.random(in: 0..<365 * 86_400_000, using: &random)
            )
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
                                milliseconds: Self.askedAt.milliseconds
                                    - Int64(count - ordinal) * 1_000
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

    func query(
        _ user: String,
        _ expression: String = "",
        _ values: [String: [String]] = [:]
    ) -> RecommendationQuery {
        var query = RecommendationQuery(
            campaign: Self.group.child("campaigns", "c").text,
            userID: user,
            sessionID: "",
            count: 25
        )
        query.askedAt = Self.askedAt
        query.filter = QuestionFilter(expression: expression, values: values)
        return query
    }

    func seconds(_ query: RecommendationQuery) throws -> Double {
        let started = DispatchTime.now().uptimeNanoseconds
        _ = try pipeline.answer(query, scratch)
        return Double(DispatchTime.now().uptimeNanoseconds - started) / 1e9
    }

    /// The median of each, in microseconds, asked in turn so that all see the same machine.
    func medians(_ questions: [() throws -> Double], _ count: Int) throws -> [Double] {
        for _ in 0..<50 {
            for question in questions { _ = try question() }
        }
        var times = [[Double]](repeating: [], count: questions.count)
        for _ in 0..<count {
            for (place, question) in questions.enumerated() {
                times[place].append(try question() * 1e6)
            }
        }
        return times.map(median)
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
                SchemaField(name: "CREATION_TIMESTAMP", type: .long),
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
