import Engine
import Primitives
import Resources
import Synchronization
import TestSupport
import Testing

/// Readers while a writer writes: every answer is the oracle's for the position that it names.
@Suite
struct `Filters beside a writer` {
    private static let expressions = [
        #"INCLUDE ItemID WHERE Items.ROOM IN ("a", "b", "red")"#,
        "INCLUDE ItemID WHERE Items.WEIGHT > 0 OR Items.YEAR IS NULL",
        #"EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("view")"#,
        "INCLUDE ItemID WHERE Interactions.EVENT_VALUE >= 1 AND Interactions.COUNT < 3",
        #"INCLUDE ItemID WHERE Items.KIND = "a" IF CurrentUser.AGE > 1"#
            + #" | EXCLUDE ItemID WHERE Interactions.DEVICE IN ("a")"#,
        "INCLUDE ItemID WHERE Items.STYLE IN CurrentUser.TIER",
        "INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP > NOW - 2 DAYS",
        "EXCLUDE ItemID WHERE Items.WEIGHT >= CurrentUser.BUDGET",
        "INCLUDE ItemID WHERE Items.WEIGHT BETWEEN $W AND 2.5 OR Items.YEAR >= $Y",
        "INCLUDE ItemID WHERE Items.STYLE IN ($S) AND Items.KIND NOT IN ($S)",
        "EXCLUDE ItemID WHERE Items.YEAR > Items.WEIGHT",
        // Of columns that come later.
        "EXCLUDE ItemID WHERE Items.ADULT = TRUE OR Interactions.RATING > 0",
    ]

    private static let values = ["W": ["0"], "Y": ["9007199254740993"], "S": ["a", "red"]]

    private static func arguments(
        of filter: CheckedFilter
    ) throws(FilterErrors) -> FilterArguments {
        let names = filter.parameters.map(\.name)
        return try filter.bind(values.filter { names.contains($0.key) })
    }

    private final class Flag: Sendable {
        let isDone = Atomic<Bool>(false)
    }

    /// What a reader was told.
    private struct Answer: Sendable {
        let position: LogPosition
        let expression: String
        /// `nil`: the filter is about columns that there are not.
        let items: ItemBitmap?
    }

    /// Everything as it was after one write.
    private struct State {
        var position = LogPosition.zero
        var schemas: FilterSchemas
        var names: [ItemIndex: String] = [:]
        var known: Set<String> = []
        var records: [String: EntityRecord] = [:]
        var user: EntityRecord?
        var events: [String: [EventRecord]] = [:]
    }

    @Test(arguments: [21, 22])
    func `are of one state`(seed: UInt64) async throws {
        try await Self.check(seed, itemCount: 40, writes: 150, watching: 1)
    }

    /// Of several chunks some change while readers keep the others.
    @Test(arguments: [23, 24])
    func `are of one state in several chunks`(seed: UInt64) async throws {
        try await Self.check(seed, itemCount: 8_180, writes: 80, watching: 32)
    }

    /// One item of `stride` is compared with the oracle, besides those that are written to.
    private static func check(
        _ seed: UInt64,
        itemCount: Int,
        writes: Int,
        watching stride: Int
    ) async throws {
        let world = try World(fields: FilterSample.fieldsBefore)
        let pool = WorkerPool(threads: 1)
        defer { pool.stop() }
        world.store.filters.numbers.indexing = .onWorkers(pool)
        var facts = FilterFacts(seed: seed, now: now)
        let flag = Flag()
        try world.run(
            .putItems(group: shop, (0..<itemCount).map { facts.item("i\($0)", false) })
        )
        var states = [State(schemas: world.filterSchemas)]
        Self.follow(world, from: 0, &states)
        var watched = Set(Swift.stride(from: 0, to: itemCount, by: stride).map { "i\($0)" })
        var isGrown = false
        let growths: [Int: DatasetKind] = [0: .items, 1: .users, 2: .interactions]
        let engine = world.engine
        let answers = try await withThrowingTaskGroup(of: [Answer].self) { group in
            for reader in 0..<2 {
                group.addTask {
                    try await Self.read(engine, until: flag, reader)
                }
            }
            for write in 0..<writes {
                let before = world.log.count
                let touched = "i\(facts.generator.below(itemCount + 20))"
                watched.insert(touched)
                switch facts.generator.below(7) {
                case _ where growths[write - writes / 2] != nil:
                    try growths[write - writes / 2].map { try world.grow($0) }
                    isGrown = write - writes / 2 == growths.count - 1
                case 0...1:
                    try world.run(.putItems(group: shop, [facts.item(touched, isGrown)]))
                case 2...3:
                    try world.run(.putUsers(group: shop, [facts.user("me", isGrown)]))
                case 4:
                    guard states[states.count - 1].known.contains(touched) else { continue }
                    try world.run(.delete(group: shop, .item(touched)))
                default:
                    _ = try world.put("me", "", [facts.event(with: touched, isGrown)])
                }
                Self.follow(world, from: before, &states)
                await Task.yield()
            }
            flag.isDone.store(true, ordering: .releasing)
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(!answers.isEmpty)
        let names = states[states.count - 1].names.filter { watched.contains($0.value) }
        for answer in answers { try Self.check(answer, states, names, seed) }
    }

    private static func read(
        _ engine: DatasetEngine,
        until flag: Flag,
        _ reader: Int
    ) async throws -> [Answer] {
        let scratch = FilterScratch()
        let group = try #require(engine.group(named: shop))
        var answers: [Answer] = []
        var next = reader
        while !flag.isDone.load(ordering: .acquiring) && answers.count < 500 {
            // Where there are fewer threads than readers the writer still gets its turn.
            await Task.yield()
            let expression = expressions[next % expressions.count]
            next += 1
            let answer = engine.consistently { () -> Answer in
                let root = group.currentRoot
                let filter: CompiledFilter
                let arguments: FilterArguments
                do throws(FilterErrors) {
                    filter = try group.filters.filter(expression, root: root) {
                        () throws(FilterErrors) in
                        try CheckedFilter(
                            parsing: expression,
                            against: engine.filterSchemas(of: shop)
                        )
                    }
                    arguments = try Self.arguments(of: filter.checked)
                } catch {
                    return Answer(position: engine.position, expression: expression, items: nil)
                }
                let (_, record) = "me".withRawSpan {
                    group.copyHistory(of: $0, .user, into: scratch.history)
                }
                var candidates = root.candidates
                let request = FilterRequest(
                    group: group,
                    root: root,
                    arguments: arguments,
                    nowMS: now.milliseconds,
                    user: record
                )
                filter.restrict(&candidates, request, scratch)
                return Answer(
                    position: engine.position,
                    expression: expression,
                    items: candidates
                )
            }
            answers.append(answer)
        }
        return answers
    }

    private static func follow(_ world: World, from start: Int, _ states: inout [State]) {
        for effects in world.log[start...] {
            var state = states[states.count - 1]
            state.position = effects.position
            // A schema is of no dataset before the last of the effects.
            if effects.position == world.log.last?.position { state.schemas = world.filterSchemas }
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

    /// `names` are of the items that are compared with the oracle.
    private static func check(
        _ answer: Answer,
        _ states: [State],
        _ names: [ItemIndex: String],
        _ seed: UInt64
    ) throws {
        let state = try #require(states.last { $0.position <= answer.position })
        guard let items = answer.items else {
            #expect(throws: FilterErrors.self, "seed \(seed) at \(answer.position)") {
                try CheckedFilter(parsing: answer.expression, against: state.schemas)
            }
            return
        }
        let filter = try CheckedFilter(parsing: answer.expression, against: state.schemas)
        let naive = NaiveFilter(
            filter,
            arguments: try Self.arguments(of: filter),
            now: now,
            user: .init(id: "me", record: state.user)
        )
        let wrong = names.filter { item, id in
            let isExpected =
                state.known.contains(id)
                && naive.passes(
                    .init(id: id, record: state.records[id]),
                    events: state.events[id] ?? []
                )
            return items.contains(Int(item.rawValue)) != isExpected
        }
        #expect(wrong.isEmpty, "seed \(seed) at \(answer.position): \(answer.expression)")
    }
}
