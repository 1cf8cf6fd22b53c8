import Engine
import Primitives
import TestSupport
import Testing

@Suite
struct `Ranges of numbers` {
    @Test(arguments: 0..<20)
    func `hold what any of them holds`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let ranges = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
            let low = Double(Int.random(in: -50..<50, using: &random))
            return low...(low + Double(Int.random(in: 0..<4, using: &random)) / 2)
        }
        let merged = DisjointRanges(ranges)
        for number in stride(from: -60.0, through: 60, by: 0.25) + [.infinity, -.infinity, -0.0] {
            #expect(merged.contains(number) == ranges.contains { $0.contains(number) })
        }
        #expect(!merged.contains(.nan))
        #expect(
            zip(merged.all, merged.all.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound }
        )
    }

    @Test(arguments: [10, 256, 257, 5_000])
    func `answer for lists of any length`(count: Int) throws {
        let world = try World(fields: FilterWorld.fields)
        try world.run(
            .putItems(
                group: World.group,
                (0..<100).map {
                    FilterWorld.item("i\($0)", nil, nil, $0 == 0 ? nil : Double($0), 1, nil)
                }
            )
        )
        let filter = try world.compiled("INCLUDE ItemID WHERE Items.PRICE IN ($P)")
        // Every third price, and numbers that no item has.
        let values = (1...count).map { $0 <= 33 ? "\($0 * 3)" : "\($0).25" }
        let root = world.store.currentRoot
        var candidates = root.candidates
        filter.restrict(
            &candidates,
            FilterRequest(
                group: world.store,
                root: root,
                arguments: try filter.checked.bind(["P": values]),
                nowMS: 0
            ),
            FilterScratch()
        )
        #expect(candidates.count == min(count, 33))
        #expect(candidates.contains(3) && !candidates.contains(4) && !candidates.contains(0))
    }
}
