import Engine
import Primitives
import Resources
import Synchronization
import TestSupport
import Testing

/// Readers while a writer writes: every answer is the oracle's for the position that it names.
@Suite
struct `Filters beside a writer` {
    private static let fields: [DatasetKind: [SchemaField]] = [
        .items: FilterSample.items.fields, .users: FilterSample.users.fields,
        .interactions: FilterSample.interactions.fields,
    ]

    private static let expressions = [
        #"INCLUDE ItemID WHERE Items.ROOM IN ("a", "b", "red")"#,
        "INCLUDE ItemID WHERE Items.WEIGHT > 0 OR Items.YEAR IS NULL",
        #"EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("view")"#,
        "INCLUDE ItemID WHERE Interactions.EVENT_VALUE >= 1 AND Interactions.COUNT < 3",
        #"INCLUDE ItemID WHERE Items.ADULT = TRUE IF CurrentUser.AGE > 1"#
            + #" | EXCLUDE ItemID WHERE Interactions.DEVICE IN ("a")"#,
        "INCLUDE ItemID WHERE Items.STYLE IN CurrentUser.TIER",
        "INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP > NOW - 2 DAYS",
        "EXCLUDE ItemID WHERE Items.WEIGHT >= CurrentUser.BUDGET",
    ]

    private final class Flag: Sendable {
        let isDone = Atomic<Bool>(false)
    }

    /// What a reader was told.
    private struct Answer: Sendable {
        let position: LogPosition
        let expression: String
        let ids: [String]
    }

    /// Everything as it was after one write.
    private struct State {
        var position = LogPosition.zero
        var names: [ItemIndex: String] = [:]
        var known: Set<String> = []
        var records: [String: EntityRecord] = [:]
        var user: EntityRecord?
        var events: [String: [EventRecord]] = [:]
    }

    @Test(arguments: [21, 22])
    func `are of one state`(seed: UInt64) async throws {
        let world = try World(fields: Self.fields)
        var facts = FilterFacts(seed: seed, now: now)
        let flag = Flag()
        try world.run(.putItems(group: shop, (0..<40).map { facts.item("i\($0)") }))
        var states = [State()]
        Self.follow(world, from: 0, &states)
        let engine = world.engine
        let answers = try await withThrowingTaskGroup(of: [Answer].self) { group in
            for reader in 0..<2 {
                group.addTask {
                    try Self.read(engine, until: flag, reader)
                }
            }
            for _ in 0..<150 {
                let before = world.log.count
                switch facts.generator.below(7) {
                case 0...1:
                    let item = facts.item("i\(facts.generator.below(60))")
                    try world.run(.putItems(group: shop, [item]))
                case 2...3: try world.run(.putUsers(group: shop, [facts.user("me")]))
                case 4:
                    let items = states[states.count - 1].known.sorted()
                    let item = items[facts.generator.below(items.count)]
                    try world.run(.delete(group: shop, .item(item)))
                default:
                    let item = "i\(facts.generator.below(60))"
                    _ = try world.put("me", "", [facts.event(with: item)])
                }
                Self.follow(world, from: before, &states)
                await Task.yield()
            }
            flag.isDone.store(true, ordering: .releasing)
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(!answers.isEmpty)
        for answer in answers { try Self.check(answer, states, seed) }
    }

    private static func read(
        _ engine: DatasetEngine,
        until flag: Flag,
        _ reader: Int
    ) throws -> [Answer] {
        let scratch = FilterScratch()
        let group = try #require(engine.group(named: shop))
        var answers: [Answer] = []
        var next = reader
        while !flag.isDone.load(ordering: .acquiring) && answers.count < 500 {
            let expression = expressions[next % expressions.count]
            next += 1
            let answer = try engine.consistently { () throws(FilterErrors) -> Answer in
                let root = group.currentRoot
                let filter = try group.filters.filter(expression, root: root) {
                    () throws(FilterErrors) in
                    try CheckedFilter(parsing: expression, against: FilterSample.schemas)
                }
                let (_, record) = "me".withRawSpan {
                    group.copyHistory(of: $0, .user, into: scratch.history)
                }
                var candidates = root.candidates
                let request = FilterRequest(
                    group: group,
                    root: root,
                    nowMS: now.milliseconds,
                    user: record
                )
                filter.restrict(&candidates, request, scratch)
                let ids = (0..<root.itemCount).filter { candidates.contains($0) }
                    .map { root.id(of: ItemIndex(UInt32($0))) }
                return Answer(position: engine.position, expression: expression, ids: ids)
            }
            answers.append(answer)
        }
        return answers
    }

    private static func follow(_ world: World, from start: Int, _ states: inout [State]) {
        for effects in world.log[start...] {
            var state = states[states.count - 1]
            state.position = effects.position
            for effect in effects.effects {
                switch effect {
                case .itemNamed(_, let item, let id):
                    state.names[item] = id
                    state.known.insert(id)
                case .itemStored(_, _, let record):
                    state.records[record.id] = record
                    // A deleted item is back when it is put again.
                    state.known.insert(record.id)
                case .erased(.item(_, let item, _, _, _)):
                    guard let id = state.names[item] else { continue }
                    state.records[id] = nil
                    state.events[id] = nil
                    state.known.remove(id)
                case .userStored(_, _, let record): state.user = record
                case .eventStored(_, _, let event):
                    state.events[event.record.itemID, default: []].append(event.record)
                default: continue
                }
            }
            states.append(state)
        }
    }

    private static func check(_ answer: Answer, _ states: [State], _ seed: UInt64) throws {
        let state = try #require(states.last { $0.position <= answer.position })
        let filter = try CheckedFilter(parsing: answer.expression, against: FilterSample.schemas)
        let naive = NaiveFilter(
            filter,
            now: now,
            user: .init(id: "me", record: state.user)
        )
        let expected = state.known.filter { id in
            naive.passes(
                .init(id: id, record: state.records[id]),
                events: state.events[id] ?? []
            )
        }
        #expect(
            answer.ids.sorted() == expected.sorted(),
            "seed \(seed) at \(answer.position): \(answer.expression)"
        )
    }
}
