import Testing

@testable import RPC

@Suite
struct `A limit of lines` {
    @Test
    func `counts what it leaves out, and tells with the next line`() {
        let limit = LineLimit(linesPerSecondMax: 2)
        let second: UInt64 = 1_000_000_000
        #expect([2, 2, 2, 2].map { limit.admit(now: $0 * second) } == [0, 0, nil, nil])
        #expect([4, 4, 4].map { limit.admit(now: $0 * second) } == [2, 0, nil])
        #expect(limit.admit(now: 6 * second) == 1)
    }
}
