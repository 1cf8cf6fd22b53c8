import Engine
import Resources
import TestSupport
import Testing

@Suite
struct `Filter resources` {
    private func filter(
        _ name: String,
        _ expression: String = "INCLUDE ItemID WHERE Items.COLOR IN (\"red\")"
    ) -> Resource {
        .filter(Filter(header: header(name), group: shop, expression: expression))
    }

    private func create(_ resources: [Resource], in world: World) -> Refusal? {
        do throws(Refusal) {
            try world.run(.createResources(resources, requestID: ""))
            return nil
        } catch {
            return error
        }
    }

    @Test
    func `are checked against the schemas of their group`() throws {
        let world = try World()
        #expect(create([filter("red")], in: world) == nil)
        let refusal = create([filter("f", "INCLUDE ItemID WHERE Items.COLOUR = 3")], in: world)
        #expect(refusal?.code == .invalidInput)
        #expect(
            refusal?.message == "filter_expression: at byte 21: unknown column 'COLOUR'; "
                + "Items has COLOR, CREATION_TIMESTAMP, ITEM_ID; did you mean COLOR?"
        )
        let lost = Filter(header: header("f"), group: .datasetGroup("none"), expression: "x")
        #expect(create([.filter(lost)], in: world)?.code == .resourceNotFound)
        #expect(create([filter("red")], in: world)?.code == .resourceAlreadyExists)
    }

    @Test
    func `see a column that an open schema just grew`() throws {
        let world = try World()
        let cheap = filter("cheap", "INCLUDE ItemID WHERE Items.PRICE < 3")
        #expect(create([cheap], in: world)?.code == .invalidInput)
        let price = RecordProperties.NamedValue(name: "price", value: .double(2.5))
        try world.run(
            .putItems(
                group: shop,
                [EntityRecord(id: "i", properties: RecordProperties(added: [price]))]
            )
        )
        #expect(create([cheap], in: world) == nil)
    }

    @Test
    func `stand in the way of their group and its datasets`() throws {
        let world = try World()
        _ = create([filter("red")], in: world)
        for name in [shop, shop.child("datasets", "items"), shop.child("datasets", "users")] {
            #expect(throws: Refusal.self) { try world.run(.deleteResource(name, etag: nil)) }
        }
        try world.run(.deleteResource(shop.child("filters", "red"), etag: nil))
        try world.run(.deleteResource(shop.child("datasets", "items"), etag: nil))
    }
}
