import TestSupport
import Testing

/// Random shops that change, asked random filters; each answer is compared with the oracle's.
@Suite
struct `Compiled filters and the oracle` {
    /// 100,000 filters in all.
    @Test(arguments: 1...4)
    func `agree on every item, after every write`(seed: UInt64) async throws {
        var partialAnswerCount = 0
        for round in 1...50 {
            let seed = seed * 1_000_003 + UInt64(round)
            let shop = try RandomShop(seed: seed)
            for _ in 0..<50 {
                try shop.write()
                for _ in 0..<10 {
                    guard let wrong = try shop.ask() else { continue }
                    Issue.record("seed \(seed): \(wrong)")
                    return
                }
            }
            partialAnswerCount += shop.partialAnswerCount
            // Other tests wait for this thread.
            await Task.yield()
        }
        // Filters that always or never match would test nothing.
        #expect(partialAnswerCount > 5_000)
    }

    /// Sets and indexes whose chunks are made anew, one without the others.
    @Test(arguments: 1...3)
    func `agree on items in several chunks`(seed: UInt64) async throws {
        let shop = try RandomShop(seed: seed, itemCount: 8_190)
        for _ in 0..<12 {
            try shop.write()
            for _ in 0..<4 {
                guard let wrong = try shop.ask() else { continue }
                Issue.record("seed \(seed): \(wrong.prefix(2_000))")
                return
            }
            await Task.yield()
        }
        #expect(shop.partialAnswerCount > 5)
    }

    @Test
    func `agree after a restart`() throws {
        for seed in 1...30 {
            let shop = try RandomShop(seed: UInt64(seed))
            for _ in 0..<20 { try shop.write() }
            try shop.restart()
            for _ in 0..<10 {
                if let wrong = try shop.ask() { Issue.record("seed \(seed): \(wrong)") }
            }
        }
    }
}
