import Primitives
import Testing

@Suite
struct `An identifier table` {
    @Test
    func `answers as a dictionary does`() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        var table = IdentifierTable(hash: StableHash(key: (3, 4)))
        var oracle: [String: UInt32] = [:]
        for _ in 0..<5_000 {
            let id = String(Int.random(in: 0..<3_000, using: &random), radix: 7)
            if oracle[id] == nil { oracle[id] = table.insert(id) }
            let other = String(Int.random(in: 0..<6_000, using: &random), radix: 7)
            #expect(table.index(of: other) == oracle[other], "seed \(seed)")
        }
        for (id, index) in oracle { #expect(table[index] == id, "seed \(seed)") }
        let ids = (0..<6_000).map { String($0, radix: 7) } + ["", "nobody"]
        var found: [UInt32?] = [7]
        table.indices(of: ids[...], into: &found)
        #expect(found == [7] + ids.map { oracle[$0] }, "seed \(seed)")
    }
}

@Suite
struct `A stable hash` {
    @Test
    func `depends on its key and on every byte`() {
        let hash = StableHash(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
        let other = StableHash(key: (1, 2))
        #expect(hash.hash("bowerbird") == hash.hash("bowerbird"))
        #expect(hash.hash("bowerbird") != other.hash("bowerbird"))
        #expect(hash.hash("bowerbird") != hash.hash("bowerbirc"))
    }
}

@Suite
struct `A byte writer` {
    @Test
    func `opens a gap and keeps what is around it`() {
        let writer = ByteWriter(capacity: 16)
        writer.append(utf8: String(repeating: "a", count: 40) + "b")
        writer.insertGap(3, at: 40)
        for offset in 40..<43 { writer.set(UInt8(ascii: "-"), at: offset) }
        let text = writer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        #expect(text == String(repeating: "a", count: 40) + "---b")
        writer.removeFirst(40)
        #expect(writer.count == 4)
    }
}

@Suite
struct `The limits` {
    @Test
    func `fit each other`() {
        // A whole message of the usual size fits one stream's window, so a unary call never waits.
        #expect(Int(Limits.streamWindowBytes) <= Int(Limits.connectionWindowBytes))
        #expect(Limits.queryHistoryMax <= Limits.historyLengthMax)
        #expect(Limits.decodedMessageBytesMax > Limits.messageBytesMax)
        // Ordinals of a call's events are 16 bits.
        #expect(Limits.recordsPerCallMax <= Int(UInt16.max))
        #expect(Limits.eventTypesMax <= Int(UInt16.max))
        #expect(Limits.callsInFlightMax >= Limits.pendingMutationsMax)
    }
}

@Suite
struct `A table of identifiers that lets some go` {
    @Test
    func `finds the others, whatever was removed, and takes an id again`() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        var table = IdentifierTable(hash: StableHash(key: (3, 4)))
        var indices: [String: UInt32] = [:]
        for _ in 0..<3_000 {
            let id = "id-\(Int.random(in: 0..<400, using: &random))"
            if let index = indices.removeValue(forKey: id) {
                table.remove(index)
                #expect(table.index(of: id) == nil, "seed \(seed)")
            } else {
                indices[id] = table.insert(id)
            }
        }
        for (id, index) in indices {
            #expect(table.index(of: id) == index && table[index] == id, "seed \(seed)")
        }
        let ids = (0..<400).map { "id-\($0)" }
        var found: [UInt32?] = []
        table.indices(of: ids[...], into: &found)
        #expect(found == ids.map { indices[$0] }, "seed \(seed)")
        #expect(table.count > 400)
    }
}
