import Engine
import Primitives
import TestSupport
import Testing

@Suite
struct `A generated event id` {
    @Test
    func `stays what it was when its session's history moves to a user`() throws {
        let world = try World()
        let told = try world.put("", "s", [event("a", 1), event("b", 2)]).eventIDs
        _ = try world.put("ann", "s", [event("c", 3)])
        let again = try world.put("", "s", [event("a", 1), event("b", 2)])
        #expect(again.duplicateCount == 2)
        #expect(again.eventIDs == told)
        #expect(Set(told).count == 2)
    }
}
