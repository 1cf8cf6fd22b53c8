import Engine
import Primitives
import Resources
import TestSupport
import Testing

/// Random shops that change, asked random filters; each answer is compared with the oracle's.
@Suite
struct `Compiled filters and the oracle` {
    /// Filters in all: 100,000 when the package is optimised, which takes some seconds; without
    /// optimisation fewer, so that the suite stays quick.
    private static let cases: Int = {
        var isDebug = false
        assert(
            {
                isDebug = true
                return true
            }()
        )
        return isDebug ? 4_000 : 100_000
    }()

    @Test(arguments: 1...4)
    func `agree on every item, after every write`(seed: UInt64) throws {
        var left = Self.cases / 4
        var round: UInt64 = 0
        while left > 0 {
            round += 1
            let shop = try RandomShop(seed: seed * 1_000_003 + round)
            for _ in 0..<12 where left > 0 {
                try shop.write()
                for _ in 0..<20 {
                    left -= 1
                    try shop.ask()
                }
            }
        }
    }

    @Test
    func `agree after a restart`() throws {
        for seed in 1...3 {
            let shop = try RandomShop(seed: UInt64(seed))
            for _ in 0..<8 { try shop.write() }
            try shop.restart()
            for _ in 0..<100 { try shop.ask() }
        }
    }
}

/// A world and, beside it, plain copies of its facts.
private final class RandomShop {
    private var world: World
    private var facts: FilterFacts
    private let seed: UInt64
    private let items: Int
    private var records: [String: EntityRecord] = [:]
    private var users: [String: EntityRecord] = [:]
    private var events: [String: [String: [EventRecord]]] = [:]
    private var owners: [UserIndex: String] = [:]
    private var known: Set<String> = []
    private var read = 0
    private let scratch = FilterScratch()

    static let fields: [DatasetKind: [SchemaField]] = [
        .items: FilterSample.items.fields, .users: FilterSample.users.fields,
        .interactions: FilterSample.interactions.fields,
    ]

    init(seed: UInt64) throws {
        self.seed = seed
        world = try World(fields: Self.fields)
        facts = FilterFacts(seed: seed, now: now)
        items = facts.generator.oneOf([3, 20, 60, 200])
    }

    private func item() -> String { "i\(facts.generator.below(items))" }
    private func user() -> String { "u\(facts.generator.below(4))" }

    func write() throws {
        let count = facts.generator.oneOf([1, 3, 10])
        switch facts.generator.below(3) {
        case 0:
            try world.run(.putItems(group: shop, (0..<count).map { _ in facts.item(item()) }))
        case 1: try world.run(.putUsers(group: shop, [facts.user(user())]))
        default: _ = try world.put(user(), "", (0..<count).map { _ in facts.event(with: item()) })
        }
        follow()
    }

    /// Takes over what was applied since the last time.
    private func follow() {
        for effect in world.log[read...].flatMap(\.effects) {
            switch effect {
            case .itemNamed(_, _, let id): known.insert(id)
            case .ownerNamed(_, let owner, _, let id): owners[owner] = id
            case .itemStored(_, _, let record): records[record.id] = record
            case .userStored(_, _, let record): users[record.id] = record
            case .eventStored(_, let owner, let event):
                let id = owners[owner] ?? ""
                events[id, default: [:]][event.record.itemID, default: []].append(event.record)
            default: continue
            }
        }
        read = world.log.count
    }

    func restart() throws {
        let again = try World(fields: Self.fields)
        _ = again.engine.apply(world.log)
        world = again
    }

    func ask() throws {
        let expression = facts.generator.expression()
        let filter = try CheckedFilter(parsing: expression, against: FilterSample.schemas)
        var question = Question(user: facts.generator.below(5) == 0 ? "" : user())
        question.item = facts.generator.below(4) == 0 ? "" : item()
        question.values = facts.generator.values(for: filter)
        question.nowSeconds = now.milliseconds / 1_000
        let naive = NaiveFilter(
            filter,
            arguments: try filter.bind(question.values),
            now: now,
            user: .init(
                id: question.user.isEmpty ? nil : question.user,
                record: users[question.user]
            ),
            currentItem: .init(
                id: question.item.isEmpty ? nil : question.item,
                record: records[question.item]
            )
        )
        let expected = known.filter { id in
            naive.passes(
                .init(id: id, record: records[id]),
                events: events[question.user]?[id] ?? []
            )
        }
        let found = try world.passing(expression, question, scratch)
        #expect(
            found == expected.sorted(),
            "seed \(seed): \(expression) of \(question)"
        )
    }
}
