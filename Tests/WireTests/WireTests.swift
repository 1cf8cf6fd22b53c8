import Primitives
import Testing
import Wire

/// Random content of a message in wire form, written without knowing our builders.
private struct RandomMessage {
    var random: SeededGenerator
    let shapes: [MessageType: MessageShape]

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        shapes = Dictionary(uniqueKeysWithValues: MessageShape.all.map { ($0.type, $0) })
    }

    mutating func write(_ type: MessageType, to writer: ByteWriter, depth: Int = 0) {
        guard let shape = shapes[type], depth < 4 else { return }
        for field in shape.fields where Bool.random(using: &random) {
            for _ in 0..<(field.isRepeated ? Int.random(in: 1...3, using: &random) : 1) {
                switch field.kind {
                case .bytes:
                    writer.varint(UInt64(field.number << 3 | 2))
                    let text = String(UInt64.random(in: 0...(.max), using: &random), radix: 36)
                    writer.varint(UInt64(text.utf8.count))
                    writer.append(utf8: text)
                case .bool, .varint:
                    writer.varint(UInt64(field.number << 3))
                    writer.varint(UInt64.random(in: 0...1, using: &random))
                case .fixed64:
                    writer.varint(UInt64(field.number << 3 | 1))
                    for _ in 0..<8 { writer.append(UInt8(3)) }
                case .fixed32:
                    writer.varint(UInt64(field.number << 3 | 5))
                    for _ in 0..<4 { writer.append(UInt8(3)) }
                case .message(let child):
                    let inner = ByteWriter()
                    write(child, to: inner, depth: depth + 1)
                    writer.varint(UInt64(field.number << 3 | 2))
                    writer.varint(UInt64(inner.count))
                    writer.append(inner.bytes)
                }
            }
        }
    }
}

private func bytes(_ writer: ByteWriter) -> [UInt8] {
    writer.withUnsafeBytes { Array($0) }
}

@Suite
struct `The messages` {
    @Test
    func `have no cycle, so decoding needs no bound on depth`() {
        let shapes = Dictionary(uniqueKeysWithValues: MessageShape.all.map { ($0.type, $0) })
        func visit(_ type: MessageType, _ path: [String]) {
            guard let shape = shapes[type] else { return }
            #expect(!path.contains(shape.fullName), "\(path) reaches itself")
            guard !path.contains(shape.fullName) else { return }
            for field in shape.fields {
                if case .message(let child) = field.kind { visit(child, path + [shape.fullName]) }
            }
        }
        for shape in shapes.values { visit(shape.type, []) }
        #expect(shapes.count > 80)
    }

    @Test
    func `survive a round through libprotobuf-c, whatever they hold`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = RandomMessage(seed: seed)
        for shape in MessageShape.all {
            for _ in 0..<5 {
                let writer = ByteWriter()
                generator.write(shape.type, to: writer)
                let packed = shape.repacked(writer.bytes)
                let once = try #require(packed, "\(shape.fullName), seed \(seed)")
                let again = shape.repacked(once.span.bytes)
                #expect(again == once, "\(shape.fullName), seed \(seed)")
            }
        }
    }

    @Test
    func `are refused or taken, never a crash, when bytes are changed`() {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = RandomMessage(seed: seed)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<3_000 {
            let writer = ByteWriter()
            let all = MessageShape.all
            let shape = all[Int.random(in: 0..<all.count, using: &random)]
            generator.write(shape.type, to: writer)
            for _ in 0..<3 where writer.count > 0 {
                writer.set(
                    UInt8.random(in: 0...255, using: &random),
                    at: Int.random(in: 0..<writer.count, using: &random)
                )
            }
            let arena = Arena()
            do throws(WireError) {
                _ = try MessageFields(unpacking: writer.bytes, as: shape.type, into: arena)
            } catch {}
        }
    }
}

@Suite
struct `A builder` {
    @Test
    func `writes what the view reads, long nested messages too`() throws {
        let writer = ByteWriter()
        let request = PutEventsRequestBuilder(into: writer)
        request.userID("ann")
        for index in 0..<3 {
            request.eventList { event in
                event.eventID(String(repeating: "x", count: index * 100))
                event.eventValue(0)
                event.sentAt { $0.seconds(Int64(index) - 1) }
                for item in 0..<index { event.impression("i\(item)") }
            }
        }
        let arena = Arena()
        let view = try PutEventsRequestView(unpacking: writer.bytes, into: arena)
        let user = view.userID.string
        let hasSession = !view.sessionID.isEmpty
        let count = view.eventListCount
        let last = view.eventList(2)
        let idLength = last.eventID.count
        let impressions = (0..<last.impressionCount).map { last.impression($0).string }
        let seconds = view.eventList(0).sentAt.seconds
        let hasValue = view.eventList(1).hasEventValue
        let hasAttribution = view.eventList(1).hasMetricAttribution
        #expect(user == "ann" && !hasSession && count == 3)
        #expect(idLength == 200)
        #expect(impressions == ["i0", "i1"])
        #expect(seconds == -1 && hasValue && !hasAttribution)
    }

    @Test
    func `writes the bytes that libprotobuf-c would`() throws {
        let writer = ByteWriter()
        let response = GetRecommendationsResponseBuilder(into: writer)
        for index in 0..<30 {
            response.itemList { item in
                item.itemID("item-\(index)")
                item.score(Double(index) / 3)
            }
        }
        response.recommendationID("RID-1")
        response.position(.max)
        let shape = try #require(
            MessageShape.all.first { $0.fullName.hasSuffix(".GetRecommendationsResponse") }
        )
        let packed = shape.repacked(writer.bytes)
        #expect(packed == bytes(writer))
    }
}

@Suite
struct `A view` {
    private func error(_ build: (PutEventsRequestBuilder) -> Void) -> WireError? {
        let writer = ByteWriter()
        build(PutEventsRequestBuilder(into: writer))
        let arena = Arena()
        do throws(WireError) {
            _ = try PutEventsRequestView(unpacking: writer.bytes, into: arena)
            return nil
        } catch {
            return error
        }
    }

    @Test
    func `refuses a NUL and names the field`() {
        let found = error { request in
            request.eventList { $0.itemID("fine") }
            request.eventList { $0.itemID("a\u{0}b") }
        }
        #expect(found?.code == .badText)
        #expect(found?.field == "event_list[1].item_id")
        #expect(found?.message == "has a NUL at byte 1; text must not contain one")
    }

    @Test
    func `refuses bytes that are not UTF-8 and names the field`() {
        let broken: [UInt8] = [0x61, 0xFF]
        let found = error { $0.userID(broken.span.bytes) }
        #expect(found?.code == .badText)
        #expect(found?.field == "user_id")
    }

    @Test
    func `refuses what would decode to too much`() {
        let writer = ByteWriter()
        for _ in 0..<10_000 {
            writer.append(UInt8(4 << 3 | 2))
            writer.append(UInt8(0))
        }
        let arena = Arena(bytesMax: 100_000)
        #expect(throws: WireError.self) {
            _ = try PutEventsRequestView(unpacking: writer.bytes, into: arena)
        }
        #expect(arena.isOverflowing)
    }

    @Test
    func `folds repeated keys of a map, the last one wins`() throws {
        let writer = ByteWriter()
        let config = CampaignConfigBuilder(into: writer)
        config.itemExplorationConfig("a", "1")
        config.itemExplorationConfig("a", "2")
        let arena = Arena()
        let view = try CampaignConfigView(unpacking: writer.bytes, into: arena)
        let map = view.itemExplorationConfig
        #expect(map == ["a": "2"])
    }
}

@Suite
struct `The embedded descriptors` {
    @Test
    func `know every file, symbol and import`() throws {
        let descriptors = Descriptors.embedded
        let events = try #require(descriptors.closure(ofSymbol: "bowerbird.v1.Event.item_id"))
        #expect(events.first?.name == "bowerbird/v1/events.proto")
        #expect(events.contains { $0.name == "google/protobuf/timestamp.proto" })
        #expect(descriptors.closure(ofSymbol: "no.such.Symbol") == nil)
        #expect(descriptors.closure(ofFile: "none.proto") == nil)
    }
}
