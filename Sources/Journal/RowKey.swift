import Engine
import Primitives

/// The key of an event: group, owner, time, position, ordinal, all big-endian.
///
/// So the history of an owner is one range in order of time, ties by arrival. A row has the key of
/// its first event.
struct EventKey: Hashable, Comparable {
    var group: GroupIndex
    var owner: UserIndex
    var time: Timestamp
    var position: LogPosition
    var ordinal: UInt16

    static let byteCount = 26
    /// What the keys of 256 owners begin with.
    static let neighbourhoodBytes = 7

    static func < (left: Self, right: Self) -> Bool {
        if left.group != right.group { return left.group < right.group }
        if left.owner != right.owner { return left.owner < right.owner }
        if left.time != right.time { return left.time < right.time }
        return (left.position, left.ordinal) < (right.position, right.ordinal)
    }

    init(_ group: GroupIndex, _ owner: UserIndex, _ event: StoredEvent) {
        self.init(
            group: group,
            owner: owner,
            time: event.record.occurredAt,
            position: event.position,
            ordinal: event.ordinal
        )
    }

    /// As an array, for look-ups.
    var bytes: [UInt8] {
        let writer = ByteWriter(capacity: Self.byteCount)
        write(to: writer)
        return unsafe writer.withUnsafeBytes { unsafe Array($0) }
    }

    func write(to key: ByteWriter) {
        key.append(bigEndian: group.rawValue)
        key.append(bigEndian: owner.rawValue)
        key.append(bigEndian: UInt64(bitPattern: time.milliseconds) ^ 1 << 63)
        key.append(bigEndian: position.rawValue)
        key.append(bigEndian: ordinal)
    }

    init(
        group: GroupIndex,
        owner: UserIndex,
        time: Timestamp,
        position: LogPosition,
        ordinal: UInt16
    ) {
        self.group = group
        self.owner = owner
        self.time = time
        self.position = position
        self.ordinal = ordinal
    }

    /// The key that a generated event id spells; `nil` for any other text.
    init?(spelledBy eventID: String) {
        guard eventID.utf8.starts(with: "e-".utf8) else { return nil }
        let parts = eventID.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 6, let group = UInt32(parts[1], radix: 36),
            let owner = UInt32(parts[2], radix: 36),
            let time = Int64(parts[3], radix: 36),
            let position = UInt64(parts[4], radix: 36),
            let ordinal = UInt16(parts[5], radix: 36)
        else { return nil }
        self.init(
            group: GroupIndex(group),
            owner: UserIndex(owner),
            time: Timestamp(milliseconds: time),
            position: LogPosition(position),
            ordinal: ordinal
        )
    }

    init?(_ key: UnsafeRawBufferPointer) {
        guard key.count == Self.byteCount else { return nil }
        group = GroupIndex(UInt32(truncatingIfNeeded: unsafe RowKey.read(key, 0, 4)))
        owner = UserIndex(UInt32(truncatingIfNeeded: unsafe RowKey.read(key, 4, 4)))
        let time = unsafe RowKey.read(key, 8, 8) ^ 1 << 63
        self.time = Timestamp(milliseconds: Int64(bitPattern: time))
        position = LogPosition(unsafe RowKey.read(key, 16, 8))
        ordinal = UInt16(truncatingIfNeeded: unsafe RowKey.read(key, 24, 2))
    }
}

/// The other keys.
///
/// No identifier stands in a key: RocksDB's manifest keeps keys after deletion.
enum RowKey {
    static let position = Array("position".utf8)
    static let erased = Array("erased".utf8)
    static let format = Array("format".utf8)
    static let hashKey = Array("hash-key".utf8)

    enum NameKind: UInt8 {
        case item = 1
        case owner = 2
        case eventType = 3
    }

    static func append(_ value: UInt64, _ count: Int, to key: inout [UInt8]) {
        for byte in (0..<count).reversed() {
            key.append(UInt8(truncatingIfNeeded: value >> UInt64(byte * 8)))
        }
    }

    static func read(_ key: UnsafeRawBufferPointer, _ offset: Int, _ count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in offset..<offset + count { value = value << 8 | UInt64(unsafe key[index]) }
        return value
    }

    static func group(_ group: GroupIndex) -> [UInt8] {
        var key: [UInt8] = []
        append(UInt64(group.rawValue), 4, to: &key)
        return key
    }

    static func owner(_ group: GroupIndex, _ owner: UserIndex) -> [UInt8] {
        entity(group, owner.rawValue)
    }

    static func moment(_ group: GroupIndex, _ owner: UserIndex, _ time: Timestamp) -> [UInt8] {
        var key = entity(group, owner.rawValue)
        append(UInt64(bitPattern: time.milliseconds) ^ 1 << 63, 8, to: &key)
        return key
    }

    static func entity(_ group: GroupIndex, _ index: UInt32) -> [UInt8] {
        var key = self.group(group)
        append(UInt64(index), 4, to: &key)
        return key
    }

    /// A bulk record of a user or item, behind the one that was put.
    static func bulkEntity(
        _ group: GroupIndex,
        _ index: UInt32,
        _ generation: UInt32
    ) -> [UInt8] {
        var key = entity(group, index)
        append(UInt64(generation), 4, to: &key)
        return key
    }

    static func name(_ group: GroupIndex, _ kind: NameKind, _ index: UInt32) -> [UInt8] {
        var key = self.group(group)
        key.append(kind.rawValue)
        append(UInt64(index), 4, to: &key)
        return key
    }

    /// In order of the log below its group; `place` is the effect's in its mutation.
    static func rewrite(_ group: GroupIndex, _ position: LogPosition, _ place: Int) -> [UInt8] {
        var key = self.group(group)
        append(position.rawValue, 8, to: &key)
        append(UInt64(place), 4, to: &key)
        return key
    }

    /// Where a group's interactions were deleted last.
    static func deletion(_ group: GroupIndex) -> [UInt8] {
        Array("deleted-".utf8) + self.group(group)
    }

    static func producer(_ producer: ProducerKey) -> [UInt8] {
        var key = group(producer.group)
        append(producer.high, 8, to: &key)
        append(producer.low, 8, to: &key)
        return key
    }

    static func batch(_ producer: ProducerKey, _ batchID: UInt64) -> [UInt8] {
        var key = self.producer(producer)
        append(batchID, 8, to: &key)
        return key
    }

    /// 128 bits of a keyed hash of an id, below its group.
    static func eventID(_ group: GroupIndex, _ id: String, _ hash: StableHash) -> [UInt8] {
        var key = self.group(group)
        append(hash.hash(id), 8, to: &key)
        append(hash.hash("2" + id), 8, to: &key)
        return key
    }

    static func text(_ text: String, _ hash: StableHash) -> [UInt8] {
        var key: [UInt8] = []
        append(hash.hash(text), 8, to: &key)
        append(hash.hash("2" + text), 8, to: &key)
        return key
    }
}
