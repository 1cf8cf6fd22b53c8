import Glibc
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
struct `An address` {
    @Test
    func `is counted with all its connections`() throws {
        let counter = AddressCounter()
        let home = try SocketAddress(parsing: "10.0.0.1:1")
        let same = try SocketAddress(parsing: "10.0.0.1:2")
        let first = try #require(counter.add(home, max: 2))
        let second = try #require(counter.add(same, max: 2))
        #expect(first === second)
        #expect(counter.add(home, max: 2) == nil)
        let other = try #require(counter.add(SocketAddress(parsing: "10.0.0.2:1"), max: 2))
        #expect(other !== first)
        first.add(5)
        counter.remove(same)
        #expect(try #require(counter.add(same, max: 2)).add(1) == 6)
    }

    @Test
    func `is forgotten with its last connection`() throws {
        let counter = AddressCounter()
        let home = try SocketAddress(parsing: "10.0.0.1:1")
        try #require(counter.add(home, max: 1)).add(5)
        counter.remove(home)
        #expect(try #require(counter.add(home, max: 1)).add(1) == 1)
    }

    @Test
    func `of IPv4 is known at a socket that listens on both`() throws {
        let mapped = try SocketAddress(parsing: "[::ffff:192.0.2.7]:443")
        var storage = sockaddr_storage()
        mapped.withSockaddr { address, length in
            withUnsafeMutableBytes(of: &storage) { bytes in
                bytes.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length)))
            }
        }
        #expect(SocketAddress(storage)?.description == "192.0.2.7:443")
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
