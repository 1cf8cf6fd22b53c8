import Engine
import Primitives
import Recipes
import Resources
import Serving

/// Simulated people around the real engine, registry and pipeline, to whom new items come.
///
/// Users and items have hidden kinds; item `i` and user `u` are of kind `i % kinds`, `u % kinds`.
/// Somebody clicks an item of their kind with its own probability, others hardly. Then new items
/// come, one of which is good. Where items are described, their records say their kind and two of
/// twenty themes that mean nothing to anybody.
final class ExplorationWorld {
    static let kinds = 4
    static let known = 400
    static let users = 200
    static let group = ResourceName.datasetGroup("bench")
    private static let index = GroupIndex(0)

    enum Policy: String, CaseIterable {
        case none
        case uniform
        case usual
        case full

        /// The campaign's `explorationWeight`; uniform draws its slots itself.
        var weight: Double {
            switch self {
            case .none, .uniform: 0
            case .usual: 0.3
            case .full: 1
            }
        }
    }

    private let engine = DatasetEngine(hash: StableHash(key: (1, 2)))
    private let lists = ServedLists(hash: StableHash(key: (1, 2)))
    private let registry: ModelRegistry
    private let pipeline: RecommendationPipeline
    private let policy: Policy
    private let isDescribed: Bool
    private var random: SeededGenerator
    private var position: UInt64 = 0
    private var time: Int64 = 1_700_000_000_000
    private(set) var itemCount = 0
    private let scratch = RequestScratch()

    init(_ policy: Policy, isDescribed: Bool, seed: UInt64) {
        self.policy = policy
        self.isDescribed = isDescribed
        random = SeededGenerator(seed: seed)
        registry = ModelRegistry(engine: engine, servedLists: lists)
        pipeline = RecommendationPipeline(engine: engine, table: registry.table, lists: lists)
        apply(Self.resources(policy))
        addItems(Self.known)
        apply([.eventTypeNamed(Self.index, EventTypeIndex(0), name: "click")])
        for user in 0..<Self.users {
            apply([.ownerNamed(Self.index, UserIndex(UInt32(user)), .user, id: "u\(user)")])
            for _ in 0..<20 { click(user, itemOfKind(user % Self.kinds), list: "") }
        }
    }

    func addItems(_ count: Int) {
        for _ in 0..<count {
            let item = ItemIndex(UInt32(itemCount))
            let id = "i\(itemCount)"
            apply([
                .itemNamed(Self.index, item, id: id),
                .itemStored(
                    Self.index,
                    item,
                    EntityRecord(
                        id: id,
                        properties: properties(of: itemCount),
                        createdAt: Timestamp(milliseconds: time)
                    )
                ),
            ])
            itemCount += 1
        }
    }

    private func properties(of item: Int) -> RecordProperties {
        guard isDescribed else { return RecordProperties() }
        let themes = (0..<2).map { _ in "theme\(Int.random(in: 0..<20, using: &random))" }
        let tags = ["kind\(item % Self.kinds)"] + themes
        return RecordProperties(values: [.string(tags.joined(separator: "|"))])
    }

    /// One user gets a list of 10 and clicks what they like.
    ///
    /// - Returns: Who it was, where `watched` was shown.
    func round(watched: Int, liking: (_ user: Int, _ item: Int) -> Double) throws -> Int? {
        let user = Int.random(in: 0..<Self.users, using: &random)
        var query = Self.query(user)
        query.seed = random.next()
        let answer = try pipeline.answer(query, scratch)
        var items = scratch.slots.map { Int($0.item.rawValue) }
        if policy == .uniform { drawUniformly(&items) }
        var clicked: [Int] = []
        for item in items
        where Double.random(in: 0..<1, using: &random) < liking(user, item) { clicked.append(item) }
        // People also come to what they like by other ways.
        click(user, itemOfKind(user % Self.kinds), list: answer.recommendationID.text)
        for item in clicked { click(user, item, list: answer.recommendationID.text) }
        return items.contains(watched) ? user : nil
    }

    /// In how many of the lists of users of its kind an item is, by the model alone.
    func share(of item: Int, kind: Int) throws -> Double {
        let users = stride(from: kind, to: Self.users, by: Self.kinds)
        var found = 0
        for user in users {
            _ = try pipeline.answer(Self.query(user), scratch)
            if scratch.ranking.top.contains(where: { Int($0.item.rawValue) == item }) { found += 1 }
        }
        return Double(found) / Double(Self.users / Self.kinds)
    }

    /// As many slots as the full weight has, each of any item with the same probability.
    private func drawUniformly(_ items: inout [Int]) {
        for slot in 1..<items.count
        where Double.random(in: 0..<1, using: &random) < 0.5 * Double(slot) / 9 {
            let item = Int.random(in: 0..<itemCount, using: &random)
            if !items.contains(item) { items[slot] = item }
        }
    }

    private func itemOfKind(_ kind: Int) -> Int {
        Int.random(in: 0..<Self.known / Self.kinds, using: &random) * Self.kinds + kind
    }

    private static func query(_ user: Int) -> RecommendationQuery {
        RecommendationQuery(
            campaign: group.child("campaigns", "c").text,
            userID: "u\(user)",
            sessionID: "",
            count: 10
        )
    }

    private func click(_ user: Int, _ item: Int, list: String) {
        time += 1_000
        let event = StoredEvent(
            position: LogPosition(position + 1),
            ordinal: 0,
            item: ItemIndex(UInt32(item)),
            type: EventTypeIndex(0),
            record: EventRecord(
                eventType: "click",
                itemID: "i\(item)",
                occurredAt: Timestamp(milliseconds: time),
                recommendationID: list
            ),
            session: nil
        )
        apply([.eventStored(Self.index, owner: UserIndex(UInt32(user)), event)])
    }

    private func apply(_ effects: [Effect]) {
        position += 1
        registry.applied(
            engine.apply([Effects(position: LogPosition(position), effects: effects)])
        )
    }

    private static func resources(_ policy: Policy) -> [Effect] {
        func header(_ name: String) -> ResourceHeader {
            ResourceHeader(
                name: name,
                status: .active,
                createdAt: Timestamp(milliseconds: 0),
                updatedAt: Timestamp(milliseconds: 0)
            )
        }
        let solution = group.child("solutions", "s")
        return [
            .resourceStored(
                group,
                .datasetGroup(DatasetGroup(header: header("bench"), index: index))
            ),
            .resourceStored(
                .schema("items"),
                .schema(
                    Schema(
                        header: header("items"),
                        kind: .items,
                        fields: [SchemaField(name: "TAGS", type: .string, isCategorical: true)],
                        document: ""
                    )
                )
            ),
            .resourceStored(
                group.child("datasets", "items"),
                .dataset(
                    Dataset(
                        header: header("items"),
                        group: group,
                        kind: .items,
                        schema: .schema("items")
                    )
                )
            ),
            .resourceStored(
                solution,
                .solution(
                    Solution(
                        header: header("s"),
                        group: group,
                        recipe: .recipe("user-personalization")
                    )
                )
            ),
            .resourceStored(
                group.child("campaigns", "c"),
                .campaign(
                    Campaign(
                        header: header("c"),
                        group: group,
                        solutionVersion: solution.child("versions", ResourceName.latestLabel),
                        explorationConfig: ["explorationWeight": "\(policy.weight)"]
                    )
                )
            ),
        ]
    }
}
