import Engine
import Primitives
import Resources
import TestSupport
import Testing

@Suite
struct `A filter asked with an older state` {
    /// Two chunks of items beside one.
    @Test(
        arguments: ["Items.GENRE IN ($G)", #"Items.GENRE IN ("rare")"#, "Items.PRICE < $MAX"]
    )
    func `answers for that state after a newer one was asked`(condition: String) throws {
        let world = try World(fields: FilterWorld.fields)
        func put(_ items: Range<Int>) throws {
            for start in stride(from: items.lowerBound, to: items.upperBound, by: 256) {
                let records = (start..<min(start + 256, items.upperBound)).map { item in
                    let isRare = item % 1_000 == 0
                    let genre = isRare ? "rare" : "x"
                    let price = isRare ? 1.0 : 9.0
                    return FilterWorld.item("i\(item)", genre, nil, price, 2_000, nil)
                }
                try world.run(.putItems(group: World.group, records))
            }
        }
        try put(0..<4_096)
        let old = world.store.currentRoot
        try put(4_096..<8_001)
        let filter = try world.compiled("INCLUDE ItemID WHERE \(condition)")
        let given = ["G": ["rare"], "MAX": ["5"]]
        let names = Set(filter.checked.parameters.map(\.name))
        let arguments = try filter.checked.bind(given.filter { names.contains($0.key) })
        let scratch = FilterScratch()
        let counts = [world.store.currentRoot, old, world.store.currentRoot].map { root in
            var candidates = root.candidates
            filter.restrict(
                &candidates,
                FilterRequest(group: world.store, root: root, arguments: arguments, nowMS: 0),
                scratch
            )
            return candidates.count
        }
        #expect(counts == [9, 5, 9])
    }
}
