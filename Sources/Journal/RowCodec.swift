import Engine
import Primitives
import Resources

/// Writes the values of a row: varints, and texts behind their length.
struct RowWriter {
    let bytes = ByteWriter()

    @inline(__always)
    func put(_ value: UInt64) { bytes.append(varint: value) }

    func put(_ value: Int64) {
        // Zigzag: small numbers of either sign are short.
        put(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    func put(_ value: Double) { bytes.append(littleEndian: value.bitPattern) }

    func put(_ value: Bool) { bytes.append(UInt8(value ? 1 : 0)) }

    func put(_ text: String) {
        guard !text.isEmpty else { return bytes.append(UInt8(0)) }
        put(UInt64(text.utf8.count))
        bytes.append(utf8: text)
    }

    func put<T>(_ values: [T], _ one: (RowWriter, T) -> Void) {
        put(UInt64(values.count))
        for value in values { one(self, value) }
    }

    func put<T>(_ value: T?, _ one: (RowWriter, T) -> Void) {
        put(value != nil)
        if let value { one(self, value) }
    }
}

/// Reads what `RowWriter` wrote; every read is checked.
struct RowReader {
    struct Damaged: Error {}

    private var bytes: [UInt8]
    private(set) var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = unsafe Array(bytes)
    }

    /// Begins with another row, in the memory of the last one.
    mutating func begin(_ row: UnsafeRawBufferPointer) {
        bytes.removeAll(keepingCapacity: true)
        unsafe bytes.append(contentsOf: row)
        offset = 0
    }

    var byteCount: Int { bytes.count }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func byte() throws(Damaged) -> UInt8 {
        guard offset < bytes.count else { throw Damaged() }
        offset += 1
        return bytes[offset - 1]
    }

    mutating func unsigned() throws(Damaged) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64 {
            let next = try byte()
            value |= UInt64(next & 0x7F) << shift
            if next & 0x80 == 0 { return value }
            shift += 7
        }
        throw Damaged()
    }

    mutating func signed() throws(Damaged) -> Int64 {
        let value = try unsigned()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func narrow<T: FixedWidthInteger>(_ type: T.Type) throws(Damaged) -> T {
        guard let value = T(exactly: try unsigned()) else { throw Damaged() }
        return value
    }

    mutating func double() throws(Damaged) -> Double {
        var pattern: UInt64 = 0
        for index in 0..<8 { pattern |= UInt64(try byte()) << UInt64(index * 8) }
        return Double(bitPattern: pattern)
    }

    mutating func bool() throws(Damaged) -> Bool { try byte() != 0 }

    mutating func text() throws(Damaged) -> String {
        let count = try unsigned()
        guard count <= UInt64(bytes.count - offset) else { throw Damaged() }
        let start = offset
        offset += Int(count)
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    /// The bytes of a text.
    mutating func skipText() throws(Damaged) -> Int {
        let count = try unsigned()
        guard count <= UInt64(bytes.count - offset) else { throw Damaged() }
        offset += Int(count)
        return Int(count)
    }

    mutating func list<T>(
        _ one: (inout RowReader) throws(Damaged) -> T
    ) throws(Damaged) -> [T] {
        let count = try unsigned()
        guard count <= UInt64(bytes.count - offset) else { throw Damaged() }
        var values: [T] = []
        for _ in 0..<count { values.append(try one(&self)) }
        return values
    }

    mutating func optional<T>(
        _ one: (inout RowReader) throws(Damaged) -> T
    ) throws(Damaged) -> T? {
        try bool() ? try one(&self) : nil
    }
}

// MARK: Records

/// What stands behind an event's type in its row.
enum EventMark {
    static let bulk: UInt8 = 3
    static let origin: UInt8 = 4
}

extension RowWriter {
    func put(_ value: PropertyValue) {
        switch value {
        case .null: bytes.append(UInt8(0))
        case .string(let text):
            bytes.append(UInt8(1))
            put(text)
        case .integer(let number):
            bytes.append(UInt8(2))
            put(number)
        case .double(let number):
            bytes.append(UInt8(3))
            put(number)
        case .boolean(let flag):
            bytes.append(UInt8(4))
            put(flag)
        }
    }

    func put(_ record: EntityRecord) {
        put(record.properties.values) { $0.put($1) }
        put(record.createdAt) { $0.put($1.milliseconds) }
    }

    func put(_ event: StoredEvent) {
        let record = event.record
        put(event.item) { $0.put(UInt64($1.rawValue)) }
        put(UInt64(event.type.rawValue))
        // 0: no session; 1: with one; 2: with one in whose history it was first; 3: of a bulk
        // generation, and without a session. 4: the index of the user in whose history it was
        // before a merge, and then one of these.
        if let origin = event.origin {
            bytes.append(EventMark.origin)
            put(UInt64(origin.rawValue))
        }
        if event.generation != 0 {
            bytes.append(EventMark.bulk)
            put(UInt64(event.generation))
        } else {
            bytes.append(UInt8(event.session == nil ? 0 : event.isMoved ? 2 : 1))
            if let session = event.session { put(UInt64(session.rawValue)) }
        }
        put(record.eventID)
        put(record.eventType)
        put(record.eventValue) { $0.put($1) }
        put(record.itemID)
        put(record.recommendationID)
        put(record.impression) { $0.put($1) }
        put(record.attributionSource)
        put(record.properties.values) { $0.put($1) }
    }
}

extension RowReader {
    mutating func propertyValue() throws(Damaged) -> PropertyValue {
        switch try byte() {
        case 0: .null
        case 1: .string(try text())
        case 2: .integer(try signed())
        case 3: .double(try double())
        case 4: .boolean(try bool())
        default: throw Damaged()
        }
    }

    private mutating func values() throws(Damaged) -> [PropertyValue] {
        try list { (reader) throws(Damaged) in try reader.propertyValue() }
    }

    mutating func entity(id: String) throws(Damaged) -> EntityRecord {
        let values = try values()
        let created = try optional { (reader) throws(Damaged) in
            Timestamp(milliseconds: try reader.signed())
        }
        return EntityRecord(
            id: id,
            properties: RecordProperties(values: values),
            createdAt: created
        )
    }

    /// What an event's row begins with.
    private struct EventHead {
        var item: ItemIndex?
        var type: EventTypeIndex
        var session: UserIndex?
        var isMoved: Bool
        var origin: UserIndex?
        var generation: UInt32
    }

    private mutating func eventHead() throws(Damaged) -> EventHead {
        let item = try optional { (reader) throws(Damaged) in
            ItemIndex(try reader.narrow(UInt32.self))
        }
        let type = EventTypeIndex(try narrow(UInt16.self))
        var sessionMark = try byte()
        var first: UserIndex?
        if sessionMark == EventMark.origin {
            first = UserIndex(try narrow(UInt32.self))
            sessionMark = try byte()
        }
        let origin = sessionMark == 0 ? 0 : try narrow(UInt32.self)
        let isBulk = sessionMark == EventMark.bulk
        return EventHead(
            item: item,
            type: type,
            session: sessionMark == 0 || isBulk ? nil : UserIndex(origin),
            isMoved: sessionMark == 2,
            origin: first,
            generation: isBulk ? origin : 0
        )
    }

    /// The event of a row whose key was read already.
    mutating func event(_ key: EventKey) throws(Damaged) -> StoredEvent {
        let head = try eventHead()
        var record = EventRecord(eventType: "", occurredAt: key.time)
        record.eventID = try text()
        record.eventType = try text()
        record.eventValue = try optional { (reader) throws(Damaged) in try reader.double() }
        record.itemID = try text()
        record.recommendationID = try text()
        record.impression = try list { (reader) throws(Damaged) in try reader.text() }
        record.attributionSource = try text()
        record.properties.values = try values()
        return StoredEvent(
            position: key.position,
            ordinal: key.ordinal,
            item: head.item,
            type: head.type,
            record: record,
            session: head.session,
            isMoved: head.isMoved,
            origin: head.origin,
            generation: head.generation
        )
    }

    /// What the engine keeps of that event.
    mutating func restoredEvent(_ key: EventKey) throws(Damaged) -> RestoredEvent {
        let head = try eventHead()
        // Event id and type.
        var textByteCount = try skipText() + skipText()
        let value = try optional { (reader) throws(Damaged) in try reader.double() }
        // Item, recommendation, impression, source.
        textByteCount += try skipText() + skipText()
        for _ in 0..<(try unsigned()) { textByteCount += try skipText() }
        textByteCount += try skipText()
        return RestoredEvent(
            position: key.position,
            ordinal: key.ordinal,
            item: head.item,
            type: head.type,
            occurredAt: key.time,
            value: value,
            properties: RecordProperties(values: try values()),
            textByteCount: textByteCount,
            generation: head.generation
        )
    }
}
