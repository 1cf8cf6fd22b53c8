import Primitives
import Testing

@testable import Transport

@Suite
struct `A budget for frames that carry nothing` {
    /// 30,000 calls in a second on one connection, three frames around each answer.
    @Test
    func `bears with a client whose calls are answered, however many they are`() {
        var budget = FrameBudget(nowNanoseconds: 0)
        for call in 0..<300_000 {
            budget.earn(Limits.cheapFramesPerAnswer)
            let isBorne = budget.spend(3, nowNanoseconds: UInt64(call) * 33_333)
            #expect(isBorne)
        }
    }

    @Test
    func `ends a peer that sends more than it is answered`() {
        var budget = FrameBudget(nowNanoseconds: 0)
        var sent = 0
        while budget.spend(1, nowNanoseconds: 0) { sent += 1 }
        #expect(sent == Limits.cheapFramesBurst)
    }

    /// Answers of the past are no licence for a flood.
    @Test
    func `saves up no more than a burst`() {
        var budget = FrameBudget(nowNanoseconds: 0)
        for _ in 0..<100_000 { budget.earn(Limits.cheapFramesPerAnswer) }
        let isBorne = budget.spend(Limits.cheapFramesBurst + 1, nowNanoseconds: 0)
        #expect(!isBorne)
    }
}
