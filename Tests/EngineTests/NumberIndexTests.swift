import Dispatch
import Engine
import Primitives
import Resources
import TestSupport
import Testing

@Suite
struct `Indexes of number columns` {
    /// Places of the columns of `FilterWorld`.
    private static let price = 2
    private static let year = 3
    private static let listPrice = 5

    private static func item(_ number: Int, price: Double) -> EntityRecord {
        FilterWorld.item("i\(number)", nil, nil, price, 2_000, nil, list: price * 2)
    }

    /// `count` items, of which each price is its place.
    private static func world(_ count: Int) throws -> (World, GroupStore) {
        let world = try World(fields: FilterWorld.fields)
        try world.run(
            .putItems(group: shop, (0..<count).map { item($0, price: Double($0)) })
        )
        return (world, try #require(world.engine.group(named: shop)))
    }

    private static func version(_ group: GroupStore, _ indexes: NumberIndexes) -> UInt64? {
        indexes.index(of: price, group.currentRoot)?.version
    }

    @Test
    func `are made by the pool, once for all who ask meanwhile`() throws {
        let (_, group) = try Self.world(10)
        let pool = WorkerPool(threads: 1)
        let gate = DispatchSemaphore(value: 0)
        #expect(pool.submit { gate.wait() })
        let indexes = NumberIndexes(.onWorkers(pool))
        for _ in 0..<100 { #expect(Self.version(group, indexes) == 0) }
        #expect(indexes.byteCount == 0)
        gate.signal()
        pool.stop()
        #expect(indexes.byteCount > 0)
        let version = try #require(Self.version(group, indexes))
        #expect(version > 0)
        // A pool that has stopped makes no more, and nobody is kept from asking.
        for _ in 0..<3 {
            #expect(indexes.index(of: Self.year, group.currentRoot)?.version == 0)
        }
    }

    @Test
    func `follow a change once reading without them was as much work`() throws {
        let (world, group) = try Self.world(10)
        let pool = WorkerPool(threads: 1)
        let indexes = NumberIndexes(.inRequests)
        let before = try #require(Self.version(group, indexes))
        indexes.indexing = .onWorkers(pool)
        try world.run(.putItems(group: shop, [Self.item(3, price: 50)]))
        for _ in 0..<Limits.readsPerNumberSlices {
            #expect(Self.version(group, indexes) == before)
        }
        pool.stop()
        let after = try #require(Self.version(group, indexes))
        #expect(after > before)
        // A root of before takes nothing back.
        #expect(Self.version(group, indexes) == after)
    }

    @Test
    func `give way to those that were used later`() throws {
        let (_, group) = try Self.world(4_096)
        let root = group.currentRoot
        let alone = NumberIndexes(.inRequests)
        let bytes = try #require(alone.index(of: Self.price, root)).byteCount
        let yearBytes = try #require(alone.index(of: Self.year, root)).byteCount
        let listBytes = try #require(alone.index(of: Self.listPrice, root)).byteCount
        let indexes = NumberIndexes(.inRequests, byteCountMax: bytes + yearBytes)
        _ = indexes.index(of: Self.year, root)
        _ = indexes.index(of: Self.price, root)
        #expect(indexes.byteCount == bytes + yearBytes)
        _ = indexes.index(of: Self.year, root)
        // There is room for the third without that of prices.
        _ = indexes.index(of: Self.listPrice, root)
        #expect(indexes.byteCount == listBytes + yearBytes)
        indexes.indexing = .onWorkers(WorkerPool(threads: 0))
        #expect(indexes.index(of: Self.year, root)?.byteCount == yearBytes)
        #expect(indexes.index(of: Self.listPrice, root)?.byteCount == listBytes)
        #expect(indexes.index(of: Self.price, root)?.byteCount == 0)
    }

    @Test
    func `are not made of a column that is over the bound alone`() throws {
        let (_, group) = try Self.world(4_096)
        let root = group.currentRoot
        let bytes = try #require(NumberIndexes(.inRequests).index(of: Self.price, root)).byteCount
        let indexes = NumberIndexes(.inRequests, byteCountMax: bytes - 1)
        for _ in 0..<2 { #expect(indexes.index(of: Self.price, root)?.byteCount == 0) }
        #expect(try #require(indexes.index(of: Self.year, root)).byteCount > 0)
        let roomy = NumberIndexes(.inRequests, byteCountMax: bytes)
        #expect(roomy.index(of: Self.price, root)?.byteCount == bytes)
    }

    @Test
    func `are counted, as the sets of items are that filters keep`() throws {
        let (world, group) = try Self.world(4_096)
        try world.run(
            .putItems(
                group: shop,
                [FilterWorld.item("i7", "bath", nil, nil, 2_000, nil)]
            )
        )
        func counted() -> Int {
            var use = MemoryUse()
            for part in 0..<group.memoryPartCount { group.addMemory(part: part, to: &use) }
            return use[.filterIndexes]
        }
        #expect(counted() == 0)
        // A bit an item.
        _ = try world.passing("INCLUDE ItemID WHERE Items.YEAR = 2000")
        #expect(counted() == 512)
        // One item of a category.
        _ = try world.passing(
            "INCLUDE ItemID WHERE Items.GENRE IN ($G)",
            Question(values: ["G": ["bath"]])
        )
        #expect(counted() == 512 + 4)
        // All have the same number.
        _ = try world.passing(
            "INCLUDE ItemID WHERE Items.YEAR = $Y",
            Question(values: ["Y": ["2000"]])
        )
        #expect(counted() == 512 + 4 + 512)
    }

    @Test
    func `are of number columns only`() throws {
        let (_, group) = try Self.world(10)
        let indexes = NumberIndexes(.inRequests)
        #expect(indexes.index(of: 0, group.currentRoot) == nil)
        #expect(try #require(indexes.index(of: nil, group.currentRoot)).version > 0)
    }
}

/// Readers whose indexes a pool makes, while a writer writes: each answer is that of the records.
@Suite
struct `Indexes of numbers beside a writer` {
    private static let items = 9_000

    private static let expressions = [
        "INCLUDE ItemID WHERE Items.PRICE < $P", "EXCLUDE ItemID WHERE Items.PRICE <= $P",
        "INCLUDE ItemID WHERE NOT (Items.PRICE >= $P)", "INCLUDE ItemID WHERE Items.PRICE = $P",
    ]

    private static func passes(_ price: Double?, _ bound: Double, _ expression: Int) -> Bool {
        switch expression {
        case 0: price.map { $0 < bound } ?? false
        case 1: !(price.map { $0 <= bound } ?? false)
        case 2: !(price.map { $0 >= bound } ?? false)
        default: price == bound
        }
    }

    /// One of few prices, so that bounds are met exactly, or any, or none.
    private static func price(_ random: inout SeededGenerator) -> Double? {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: nil
        case 1: Double(Int.random(in: 0..<10, using: &random)) * 10
        default: Double.random(in: 0..<100, using: &random)
        }
    }

    private static func item(_ number: Int, _ random: inout SeededGenerator) -> EntityRecord {
        FilterWorld.item("i\(number)", nil, nil, price(&random), nil, nil)
    }

    @Test(arguments: [31, 32])
    func `give the answers of the root`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let world = try World(fields: FilterWorld.fields)
        try world.run(
            .putItems(group: shop, (0..<Self.items).map { Self.item($0, &random) })
        )
        let group = try #require(world.engine.group(named: shop))
        let pool = WorkerPool(threads: 2)
        group.filters.numbers.indexing = .onWorkers(pool)
        let filters = try Self.expressions.map { try world.compiled($0) }
        try await withThrowingTaskGroup(of: Void.self) { readers in
            for reader in 1...2 {
                readers.addTask { try await Self.read(group, filters, seed * 10 + UInt64(reader)) }
            }
            for _ in 0..<60 {
                let number = Int.random(in: 0..<Self.items, using: &random)
                try world.run(.putItems(group: shop, [Self.item(number, &random)]))
                await Task.yield()
            }
            try await readers.waitForAll()
        }
        pool.stop()
        #expect(group.filters.numbers.byteCount > 0)
    }

    private static func read(
        _ group: GroupStore,
        _ filters: [CompiledFilter],
        _ seed: UInt64
    ) async throws {
        var random = SeededGenerator(seed: seed)
        let scratch = FilterScratch()
        for question in 0..<120 {
            // Where there are fewer threads than readers the writer still gets its turn.
            await Task.yield()
            let kind = question % filters.count
            let bound = price(&random) ?? 50
            let root = group.currentRoot
            var found = root.candidates
            filters[kind].restrict(
                &found,
                FilterRequest(
                    group: group,
                    root: root,
                    arguments: try filters[kind].checked.bind(["P": ["\(bound)"]]),
                    nowMS: now.milliseconds
                ),
                scratch
            )
            let wrong = (0..<root.itemCount).filter { item in
                let values = root.record(of: ItemIndex(UInt32(item)))?.properties.values
                var price: Double?
                if case .double(let number) = values?[2] { price = number }
                return found.contains(item) != passes(price, bound, kind)
            }
            #expect(wrong == [], "seed \(seed): \(expressions[kind]) of \(bound)")
        }
    }
}
