import Primitives
import Testing

@testable import Transport

@Suite
struct `What a connection leaves` {
    @Test
    func `is bounded for itself`() {
        let share = ConnectionShare()
        share.unsentChanged(by: Limits.connectionUnsentBytesMax)
        #expect(!share.isClogged)
        share.unsentChanged(by: 1)
        #expect(share.isClogged)
        share.unsentChanged(by: -2)
        #expect(!share.isClogged)
    }

    @Test
    func `is bounded for all, and only felt by those that leave much`() {
        let budget = UnsentBudget(bytesMax: 10 * Limits.unsentBytesStep)
        let slow = (0..<6).map { _ in ConnectionShare(budget: budget) }
        let quick = ConnectionShare(budget: budget)
        quick.unsentChanged(by: 1_000)
        for share in slow { share.unsentChanged(by: 2 * Limits.unsentBytesStep) }
        #expect(slow.map(\.isClogged) == Array(repeating: true, count: 6))
        #expect(!quick.isClogged)
        slow[0].unsentChanged(by: -2 * Limits.unsentBytesStep)
        #expect(!slow[1].isClogged)
    }

    @Test
    func `is forgotten with the connection`() {
        let budget = UnsentBudget(bytesMax: 3 * Limits.unsentBytesStep)
        for _ in 0..<100 {
            let share = ConnectionShare(budget: budget)
            share.unsentChanged(by: 3 * Limits.unsentBytesStep - 7)
            share.unsentChanged(by: -2 * Limits.unsentBytesStep)
        }
        #expect(!budget.isSpent)
    }
}

@Suite
struct `A share of reading` {
    @Test
    func `grows while its work is fast`() {
        var share = ReadShare()
        #expect(share.byteCount == Limits.readBytesFirst)
        for _ in 0..<20 { share.took(share.byteCount, nanoseconds: 1_000) }
        #expect(share.byteCount == Limits.readBytesPerTurn)
    }

    @Test
    func `shrinks when it is slow, to no less than a call needs`() {
        var share = ReadShare()
        share.took(16_384, nanoseconds: 6_000_000)
        #expect(share.byteCount == 4_096)
        #expect(share.isMeasured(1_024))
        for _ in 0..<5 { share.took(share.byteCount, nanoseconds: 6_000_000) }
        #expect(share.byteCount == Limits.readBytesMin)
        share.took(1_024, nanoseconds: 1_000)
        #expect(share.byteCount == 2_048)
    }

    @Test
    func `looks at the clock for large reads only`() {
        let share = ReadShare()
        #expect(!share.isMeasured(100))
        #expect(!share.isMeasured(8_000))
        #expect(share.isMeasured(Limits.readBytesFirst))
    }
}
