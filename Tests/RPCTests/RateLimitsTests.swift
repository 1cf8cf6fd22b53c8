import Primitives
import Synchronization
import TestSupport
import Testing
import Transport

@testable import RPC

@Suite
struct `Rates` {
    /// A clock that a test moves.
    private final class HandClock: Clock {
        private let milliseconds = Atomic<UInt64>(1_000_000)
        func advance(milliseconds count: UInt64) { milliseconds.add(count, ordering: .relaxed) }
        func now() -> Timestamp {
            Timestamp(milliseconds: Int64(milliseconds.load(ordering: .relaxed)))
        }
        func monotonicNanoseconds() -> UInt64 { milliseconds.load(ordering: .relaxed) * 1_000_000 }
    }

    private let clock = HandClock()
    private let loop = TestLoop()
    private let rates = RateLimits { message, _ in Status(.resourceExhausted, message) }

    /// Whether a message that names a group is taken.
    private func isTaken(_ group: String) -> Bool {
        let dispatcher = ServerDispatcher(router: Router(), clock: clock)
        let call = ServerCall(dispatcher: dispatcher, loop: loop)
        call.access.resources = ["datasetGroups/\(group)/campaigns/c"]
        return rates.receive(RawSpan(), call) == nil
    }

    @Test
    func `are counted for each group by itself`() {
        rates.set(callerRate: 0, groupRate: 2)
        #expect(isTaken("a") && isTaken("a") && !isTaken("a"))
        #expect(isTaken("b"))
        clock.advance(milliseconds: 500)
        #expect(isTaken("a") && !isTaken("a"))
    }

    @Test
    func `are counted for so many groups, however many are named at once`() {
        rates.set(callerRate: 0, groupRate: 1)
        for number in 0..<Limits.rateBucketsMax + 100 { #expect(isTaken("made-up-\(number)")) }
        #expect(rates.bucketCount == Limits.rateBucketsMax)
        clock.advance(milliseconds: 1_000)
        #expect(isTaken("later"))
        #expect(rates.bucketCount == 1)
    }
}
