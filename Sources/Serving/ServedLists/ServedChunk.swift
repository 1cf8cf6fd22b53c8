import Primitives

/// Lists served one after the other, packed: what is written at a time and forgotten at a time.
///
/// A list takes about 12 bytes and 4 an item, 8 where something was explored.
struct ServedChunk: Sendable {
    let firstNumber: UInt64
    private(set) var offsets: [UInt32] = []
    private(set) var bytes: [UInt8] = []
    /// Campaigns and versions, which most lists share.
    private var names: [String] = []
    /// Lists whose showings were counted.
    private var counted: Set<UInt32> = []

    init(firstNumber: UInt64) {
        self.firstNumber = firstNumber
    }

    /// A chunk with room for as many lists as another one has, since time passes as it did.
    init(firstNumber: UInt64, like other: ServedChunk) {
        self.init(firstNumber: firstNumber)
        offsets.reserveCapacity(other.offsets.count)
        bytes.reserveCapacity(other.bytes.count)
    }

    var count: Int { offsets.count }
    var byteCount: Int { bytes.count + 4 * offsets.count + 64 * names.count + 8 * counted.count }

    func contains(_ number: UInt64) -> Bool {
        number >= firstNumber && number - firstNumber < UInt64(count)
    }

    /// Marks a list as counted; false when it was.
    mutating func markCounted(_ number: UInt64) -> Bool {
        counted.insert(UInt32(truncatingIfNeeded: number - firstNumber)).inserted
    }

    mutating func append(_ list: ServedList) {
        offsets.append(UInt32(bytes.count))
        let hasNoise = list.propensities.contains { $0 != 1 }
        put(UInt64(list.group.rawValue))
        put(UInt64(name(list.campaign)))
        put(UInt64(name(list.version)))
        put(list.previous.map { $0 &+ 1 } ?? 0)
        put(UInt64(list.items.count) << 1 | (hasNoise ? 1 : 0))
        put(list.seed, 8)
        for item in list.items { put(UInt64(item.rawValue), 4) }
        guard hasNoise else { return }
        for propensity in list.propensities { put(UInt64(propensity.bitPattern), 4) }
    }

    /// The list of this number; `nil` when the chunk has it not.
    func list(_ number: UInt64) -> ServedList? {
        guard contains(number) else { return nil }
        var reader = ChunkReader(bytes, Int(offsets[Int(number - firstNumber)]))
        guard let group = reader.varint(), let campaign = reader.varint(),
            let version = reader.varint(), let previous = reader.varint(),
            let head = reader.varint(), let seed = reader.fixed(8),
            campaign < UInt64(names.count), version < UInt64(names.count)
        else { return nil }
        let count = Int(head >> 1)
        guard count <= bytes.count / 4 else { return nil }
        var items: [ItemIndex] = []
        for _ in 0..<count {
            guard let item = reader.fixed(4) else { return nil }
            items.append(ItemIndex(UInt32(truncatingIfNeeded: item)))
        }
        var propensities = [Float](repeating: 1, count: count)
        if head & 1 == 1 {
            for index in 0..<count {
                guard let bits = reader.fixed(4) else { return nil }
                propensities[index] = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
            }
        }
        return ServedList(
            group: GroupIndex(UInt32(truncatingIfNeeded: group)),
            campaign: names[Int(campaign)],
            version: names[Int(version)],
            seed: seed,
            previous: previous == 0 ? nil : previous &- 1,
            items: items,
            propensities: propensities
        )
    }

    private mutating func name(_ text: String) -> Int {
        if let known = names.lastIndex(of: text) { return known }
        names.append(text)
        return names.count - 1
    }

    // MARK: Rows

    /// The chunk as a row's value.
    var encoded: [UInt8] {
        var chunk = ServedChunk(firstNumber: 0)
        chunk.put(UInt64(names.count))
        for name in names {
            chunk.put(UInt64(name.utf8.count))
            chunk.bytes += Array(name.utf8)
        }
        chunk.put(UInt64(offsets.count))
        for offset in offsets { chunk.put(UInt64(offset), 4) }
        return chunk.bytes + bytes
    }

    /// Reads what `encoded` made; `nil` when it is damaged.
    init?(firstNumber: UInt64, decoding row: [UInt8]) {
        self.firstNumber = firstNumber
        var reader = ChunkReader(row, 0)
        guard let nameCount = reader.varint(), nameCount <= UInt64(row.count) else { return nil }
        for _ in 0..<nameCount {
            guard let length = reader.varint(), let text = reader.take(length) else { return nil }
            names.append(String(decoding: text, as: UTF8.self))
        }
        guard let count = reader.varint(), count <= UInt64(row.count) / 4 else { return nil }
        for _ in 0..<count {
            guard let offset = reader.fixed(4) else { return nil }
            offsets.append(UInt32(truncatingIfNeeded: offset))
        }
        bytes = reader.rest
    }

    private mutating func put(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func put(_ value: UInt64, _ count: Int) {
        for byte in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
    }
}

/// Reads a chunk's numbers; every read is checked.
private struct ChunkReader {
    private let bytes: [UInt8]
    private var offset: Int

    init(_ bytes: [UInt8], _ offset: Int) {
        self.bytes = bytes
        self.offset = offset
    }

    var rest: [UInt8] { Array(bytes[offset...]) }

    mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard offset < bytes.count else { return nil }
            let byte = bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    mutating func fixed(_ count: Int) -> UInt64? {
        guard offset + count <= bytes.count else { return nil }
        var value: UInt64 = 0
        for byte in 0..<count { value |= UInt64(bytes[offset + byte]) << UInt64(8 * byte) }
        offset += count
        return value
    }

    mutating func take(_ count: UInt64) -> ArraySlice<UInt8>? {
        guard count <= UInt64(bytes.count - offset) else { return nil }
        defer { offset += Int(count) }
        return bytes[offset..<offset + Int(count)]
    }
}
