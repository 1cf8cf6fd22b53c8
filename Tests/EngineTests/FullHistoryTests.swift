import Engine
import Primitives
import TestSupport
import Testing

@Suite
struct `A full history` {
    /// The entries by owner that someone knows who was told of `changes`.
    private func learnt(_ changes: [AppliedChange]) -> [UserIndex: [Interaction: Int]] {
        var counts: [UserIndex: [Interaction: Int]] = [:]
        func add(_ change: HistoryChange, _ sign: Int) {
            counts[change.user, default: [:]][change.window[change.index], default: 0] += sign
        }
        for change in changes {
            switch change {
            case .observed(_, let change): add(change, 1)
            case .retracted(_, let change): add(change, -1)
            default: break
            }
        }
        return counts.mapValues { $0.filter { $0.value != 0 } }.filter { !$0.value.isEmpty }
    }

    @Test
    func `takes back its oldest entry before it takes another one`() throws {
        let world = try World(historyLengthMax: 3)
        _ = try world.put("ann", "s", [event("a", 5), event("b", 6), event("c", 7)])
        world.changes = []
        _ = try world.put("ann", "s", [event("d", 9)])
        // Older than all that is kept.
        _ = try world.put("ann", "s", [event("e", 1)])
        #expect(world.history("ann") == ["b", "c", "d"])
        let told = world.changes.compactMap { change -> String? in
            switch change {
            case .observed(_, let change): "+\(change.window.count) \(change.index)"
            case .retracted(_, let change): "-\(change.window.count) \(change.index)"
            default: nil
            }
        }
        #expect(told == ["-3 0", "+3 2"])
    }

    @Test(arguments: 0..<5)
    func `teaches the same live and after a restart`(round: Int) throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let world = try World(historyLengthMax: 4)
        for _ in 0..<200 {
            let user =
                Bool.random(using: &random) ? "u\(Int.random(in: 0..<3, using: &random))" : ""
            let events = (0..<3).map { _ in
                event(
                    "i\(Int.random(in: 0..<9, using: &random))",
                    Int64.random(in: 0..<90, using: &random)
                )
            }
            _ = try world.put(user, "s\(Int.random(in: 0..<9, using: &random))", events)
        }
        let restarted = DatasetEngine(hash: StableHash(key: (7, 8)), historyLengthMax: 4)
        let rows = `The engine`.rows(world.log)
        let changes = restarted.apply([Effects(position: LogPosition(1), effects: rows)])
        #expect(learnt(world.changes) == learnt(changes), "seed \(seed)")
        #expect(EngineDigest(world.engine) == EngineDigest(restarted), "seed \(seed)")
    }
}
