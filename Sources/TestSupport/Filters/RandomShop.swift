package import Engine
import Primitives
package import Resources

/// A world that changes at random and is asked random filters.
///
/// Beside it are plain copies of its facts, from which the oracle answers the same questions. It
/// begins with schemas of fewer columns, which grow between two questions.
package final class RandomShop {
    private var world: World
    private var facts: FilterFacts
    private let itemsMax: Int
    private var isGrown = false
    /// Of many items those that are compared with the oracle; `nil`: all.
    private var watched: Set<String>?
    private let scratch = FilterScratch()
    /// Filters that live while everything else changes.
    private var filters: [Live] = []

    private struct Live {
        let text: String
        let filter: CheckedFilter
    }

    private static let filtersMax = 20

    private static let index = GroupIndex(0)

    /// Answers that hold some of the items, not all.
    package private(set) var partialAnswerCount = 0

    private struct Asker: Hashable {
        let kind: OwnerKind
        let id: String
    }

    // What was applied, as plain copies.
    private var read = 0
    private var names: [ItemIndex: String] = [:]
    private var records: [String: EntityRecord] = [:]
    private var erased: [ItemIndex: LogPosition] = [:]
    private var owners: [Asker: UserIndex] = [:]
    private var users: [UserIndex: EntityRecord] = [:]
    /// By item, of every owner.
    private var histories: [UserIndex: [String: [EventRecord]]] = [:]
    /// In their order.
    private var candidates: [String] = []

    /// An empty shop for a few items, or one that has `itemCount` of them and more to come.
    package init(seed: UInt64, itemCount: Int = 0) throws(Refusal) {
        facts = FilterFacts(seed: seed, now: World.now)
        let few = facts.generator.oneOf([2, 3, 4, 4, 6, 6, 8, 10, 10, 20, 60, 200])
        itemsMax = itemCount == 0 ? few : itemCount + 10
        world = try World(fields: FilterSample.fieldsBefore)
        guard itemCount > 0 else { return }
        try world.run(
            .putItems(group: World.group, (0..<itemCount).map { facts.item("i\($0)", false) })
        )
        follow()
        watched = Set(stride(from: 0, to: itemCount, by: 16).map { "i\($0)" })
    }

    // MARK: Writes

    /// Puts, changes, joins, merges or deletes something, or adds columns.
    package func write() throws(Refusal) {
        switch facts.generator.below(16) {
        case 0...3: try putItems()
        case 4...5: try world.run(.putUsers(group: World.group, [facts.user(user(), isGrown)]))
        case 6...10: try putEvents()
        case 11: try update()
        case 12: try deleteItem()
        case 13: try deleteEvent()
        case 14: try changeOwners()
        default: try grow()
        }
        follow()
        world.store.filters.numbers.indexing = facts.generator.oneOf(Self.indexings)
    }

    /// Numbers are read by indexes that follow every change, by none, and by what there is of them.
    private static let indexings: [NumberIndexing] = [
        .inRequests, .never, .onWorkers(WorkerPool(threads: 0)),
    ]

    private func item() -> String {
        // A few are touched again and again, of many those at the borders of chunks.
        if itemsMax > 4_096 && facts.generator.below(3) == 0 {
            return "i\(facts.generator.oneOf([4_095, 4_096, 8_191, 8_192]))"
        }
        let bound = facts.generator.below(2) == 0 ? min(3, itemsMax) : itemsMax
        return "i\(facts.generator.below(bound))"
    }

    private func user() -> String { "u\(facts.generator.below(5))" }
    private func session() -> String { "s\(facts.generator.below(5))" }
    private func count() -> Int { facts.generator.oneOf([1, 3, 10]) }

    private func putItems() throws(Refusal) {
        let items = (0..<count()).map { _ in facts.item(item(), isGrown) }
        try world.run(.putItems(group: World.group, items))
    }

    private func putEvents() throws(Refusal) {
        let events = (0..<count()).map { _ in facts.event(with: item(), isGrown) }
        let kind = facts.generator.below(4)
        _ = try world.put(kind == 0 ? "" : user(), kind > 1 ? "" : session(), events)
    }

    /// One column of an item anew, or removed.
    private func update() throws(Refusal) {
        guard let known = one(of: Array(records.keys)) else { return }
        let record = facts.item(known, isGrown)
        var batch = RecordBatch(list: .records, count: 1, isPartial: false)
        let update = EntityUpdate(
            id: known,
            properties: record.properties,
            named: [facts.generator.below(record.properties.values.count + 1)],
            createdAt: facts.generator.oneOf([nil, .some(record.createdAt)])
        )
        batch.entries = [.init(index: 0, record: .itemUpdate(update))]
        try world.run(.putRecords(group: World.group, tracker: nil, batch))
    }

    private func deleteItem() throws(Refusal) {
        guard let item = one(of: candidates) else { return }
        try world.run(.delete(group: World.group, .item(item)))
    }

    private func deleteEvent() throws(Refusal) {
        let ids = Set(owners.values).flatMap { owner in
            events(of: owner).map { $0.identifier(Self.index, owner) }
        }
        guard let id = one(of: ids) else { return }
        try world.run(.delete(group: World.group, .event(id)))
    }

    private func changeOwners() throws(Refusal) {
        let kind = facts.generator.oneOf([OwnerKind.user, .session])
        let known = owners.keys.filter { $0.kind == .user }.map(\.id)
        if facts.generator.below(3) == 0, let merged = one(of: known) {
            let kept = user()
            let isAlias = owners[Asker(kind: .user, id: merged)].map { owner in
                owners.contains { $0.value == owner && $0.key.id != merged }
            }
            guard kept != merged, isAlias == false else { return }
            try world.run(.mergeUsers(group: World.group, merged: merged, kept: kept))
        } else {
            let id = kind == .user ? user() : session()
            try world.run(.delete(group: World.group, .owners(kind, [id], isPartial: true)))
        }
    }

    /// One of them, which depends on the seed alone.
    private func one(of ids: [String]) -> String? {
        ids.isEmpty ? nil : facts.generator.oneOf(ids.sorted())
    }

    /// Gives each dataset its later columns.
    private func grow() throws(Refusal) {
        guard !isGrown else { return }
        isGrown = true
        for kind in DatasetKind.allCases { try world.grow(kind) }
    }

    // MARK: Facts

    /// Takes over what was applied since the last time.
    private func follow() {
        for effect in world.log[read...].flatMap(\.effects) {
            switch effect {
            case .itemNamed(_, let item, let id): names[item] = id
            case .ownerNamed(_, let owner, let kind, let id):
                owners[Asker(kind: kind, id: id)] = owner
            case .itemStored(_, _, let record):
                records[record.id] = record
                watched?.insert(record.id)
            case .userStored(_, let owner, let record): users[owner] = record
            case .merged(.named(_, _, let id, let owner)):
                owners[Asker(kind: .user, id: id)] = owner
            case .erased(.owner(_, let owner, _)):
                users[owner] = nil
                owners = owners.filter { $0.value != owner }
            case .erased(.item(_, let item, let position, _, _)):
                erased[item] = position
                if let id = names[item] { records[id] = nil }
            default: continue
            }
        }
        read = world.log.count
        histories = [:]
        for owner in Set(owners.values) {
            for event in events(of: owner) {
                let item = event.record.itemID
                histories[owner, default: [:]][item, default: []].append(event.record)
            }
        }
        // What was deleted is nothing to recommend until it is put again, whatever happens to it.
        let touched = Set(histories.values.flatMap(\.keys))
        candidates = names.filter { item, id in
            records[id] != nil || (erased[item] == nil && touched.contains(id))
        }
        .map(\.value).filter { watched?.contains($0) ?? true }.sorted()
    }

    /// Those that were not deleted with their items.
    private func events(of owner: UserIndex) -> [StoredEvent] {
        world.facts.events(Self.index, owner: owner).filter { event in
            event.item.flatMap { erased[$0] }.map { $0 < event.position } ?? true
        }
    }

    /// Makes the engine again from the log.
    package func restart() throws(Refusal) {
        let again = try World(fields: FilterSample.fieldsBefore)
        _ = again.engine.apply(world.log)
        world = again
    }

    // MARK: Questions

    /// Asks a filter that is new, or that was asked before what was written since.
    ///
    /// - Returns: What is wrong with the answer; `nil` when nothing is.
    package func ask() throws(FilterErrors) -> String? {
        let place = facts.generator.below(Self.filtersMax)
        if place >= filters.count || facts.generator.below(20) == 0 {
            let filter = try newFilter()
            if place < filters.count { filters[place] = filter } else { filters.append(filter) }
        }
        let live = filters[min(place, filters.count - 1)]
        let filter = live.filter
        var question = World.Question()
        switch facts.generator.below(8) {
        case 0: break
        case 1...2: question.session = session()
        default: question.user = user()
        }
        if facts.generator.below(4) > 0 { question.item = item() }
        question.values = facts.generator.values(for: filter)
        question.nowMS += Int64(facts.generator.below(25) - 12) * 86_400_000
        let expected = try expected(filter, question)
        let found = try world.passing(live.text, question, scratch)
            .filter { watched?.contains($0) ?? true }
        if !expected.isEmpty && expected.count < candidates.count { partialAnswerCount += 1 }
        if found == expected { return nil }
        return "\(live.text) of \(question): found \(found), not \(expected)"
    }

    /// One of columns that are there.
    private func newFilter() throws(FilterErrors) -> Live {
        let schemas = world.filterSchemas
        while true {
            let text = facts.generator.expression()
            do throws(FilterErrors) {
                return Live(
                    text: text,
                    filter: try CheckedFilter(parsing: text, against: schemas)
                )
            } catch {
                let isEarly = !isGrown && error.all.allSatisfy { $0.code == .unknownColumn }
                if !isEarly { throw error }
            }
        }
    }

    private func expected(
        _ filter: CheckedFilter,
        _ question: World.Question
    ) throws(FilterErrors) -> [String] {
        let asker =
            question.user.isEmpty
            ? Asker(kind: .session, id: question.session)
            : Asker(kind: .user, id: question.user)
        let owner = owners[asker]
        let user = owner.flatMap { users[$0] }
        let naive = NaiveFilter(
            filter,
            arguments: try filter.bind(question.values),
            now: Timestamp(milliseconds: question.nowMS),
            user: .init(id: asker.id.isEmpty ? nil : user?.id ?? asker.id, record: user),
            currentItem: .init(
                id: question.item.isEmpty ? nil : question.item,
                record: records[question.item]
            )
        )
        let history = owner.flatMap { histories[$0] } ?? [:]
        return candidates.filter { item in
            naive.passes(.init(id: item, record: records[item]), events: history[item] ?? [])
        }
    }
}
