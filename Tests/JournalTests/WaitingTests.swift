import Engine
import Journal
import Primitives
import Synchronization
import Testing

@Suite
struct `Waiting for a position` {
    /// How often the journal woke somebody.
    private final class Bell: Sendable {
        private let count = Atomic<Int>(0)
        var rung: Int { count.load(ordering: .relaxed) }
        func ring() { count.add(1, ordering: .relaxed) }
    }

    @Test
    func `is over when the position is applied`() async throws {
        try await withDirectory { path in
            let journal = try open(path)
            defer { journal.close() }
            try await makeGroup(journal)
            let bell = Bell()
            let now = journal.engine.position.rawValue
            func wait(_ distance: UInt64) -> Sequencer.Wait {
                journal.sequencer.whenApplied(LogPosition(now + distance)) { bell.ring() }
            }
            #expect(wait(0) == .over && bell.rung == 1)
            guard case .waiting = wait(1), case .waiting = wait(2),
                case .waiting(let third) = wait(2)
            else {
                Issue.record("what is to come is not waited for")
                return
            }
            _ = try await journal.sequencer.submit(put("u", "s", [1]))
            journal.sequencer.forget(waiter: third)
            _ = try await journal.sequencer.submit(put("u", "s", [2]))
            // Who waits is woken behind the answer to who wrote.
            _ = try await journal.sequencer.submit(put("u", "s", [3]))
            #expect(bell.rung == 3)
        }
    }

    @Test
    func `takes no place once it was given up, and says when there is none`() async throws {
        try await withDirectory { path in
            let journal = try open(path)
            defer { journal.close() }
            let far = LogPosition(UInt64.max)
            var last: UInt64 = 0
            for _ in 0..<Limits.pendingMutationsMax {
                guard case .waiting(let id) = journal.sequencer.whenApplied(far, wake: {}) else {
                    Issue.record("a place is missing")
                    return
                }
                last = id
            }
            #expect(journal.sequencer.whenApplied(far, wake: {}) == .refused)
            journal.sequencer.forget(waiter: last)
            #expect(journal.sequencer.whenApplied(far, wake: {}) != .refused)
        }
    }
}
