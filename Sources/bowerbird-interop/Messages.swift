import Primitives
import Wire

/// The messages of `grpc.testing`, read and written by hand: they are no part of what is shipped.
///
/// Field numbers are those of gRPC's interoperability test protos.
struct EchoStatus {
    var code: Int32 = 0
    var message = ""

    init(_ bytes: RawSpan) {
        var reader = WireReader(bytes)
        while let field = reader.next() {
            switch field.number {
            case 1: code = Int32(truncatingIfNeeded: field.value)
            case 2: message = field.text
            default: break
            }
        }
    }
}

/// `SimpleRequest`, and `StreamingInputCallRequest` with its other numbers.
struct InputRequest {
    var responseBytes = 0
    var payloadBytes = 0
    var isAnswerPacked = false
    var status: EchoStatus?
    /// Whether the client says that this message is packed; `nil` when it says nothing.
    var isSaidPacked: Bool?

    init(simple bytes: RawSpan) {
        var reader = WireReader(bytes)
        while let field = reader.next() {
            switch field.number {
            case 2: responseBytes = Int(Int32(truncatingIfNeeded: field.value))
            case 3: payloadBytes = Self.payloadBytes(field.bytes)
            case 6: isAnswerPacked = Self.bool(field.bytes)
            case 7: status = EchoStatus(field.bytes)
            case 8: isSaidPacked = Self.bool(field.bytes)
            default: break
            }
        }
    }

    init(streaming bytes: RawSpan) {
        var reader = WireReader(bytes)
        while let field = reader.next() {
            switch field.number {
            case 1: payloadBytes = Self.payloadBytes(field.bytes)
            case 2: isSaidPacked = Self.bool(field.bytes)
            default: break
            }
        }
    }

    private static func payloadBytes(_ bytes: RawSpan) -> Int {
        var reader = WireReader(bytes)
        while let field = reader.next() {
            if field.number == 2 { return field.bytes.byteCount }
        }
        return 0
    }

    static func bool(_ bytes: RawSpan) -> Bool {
        var reader = WireReader(bytes)
        while let field = reader.next() {
            if field.number == 1 { return field.value != 0 }
        }
        return false
    }
}

/// `StreamingOutputCallRequest`.
struct OutputRequest {
    struct Answer {
        var bytes = 0
        var intervalMicroseconds = 0
        var isPacked = false

        init(_ bytes: RawSpan) {
            var reader = WireReader(bytes)
            while let field = reader.next() {
                switch field.number {
                case 1: self.bytes = Int(Int32(truncatingIfNeeded: field.value))
                case 2: intervalMicroseconds = Int(Int32(truncatingIfNeeded: field.value))
                case 3: isPacked = InputRequest.bool(field.bytes)
                default: break
                }
            }
        }
    }

    var answers: [Answer] = []
    var status: EchoStatus?

    init(_ bytes: RawSpan) {
        var reader = WireReader(bytes)
        while let field = reader.next() {
            switch field.number {
            case 2: answers.append(Answer(field.bytes))
            case 7: status = EchoStatus(field.bytes)
            default: break
            }
        }
    }
}

extension ByteWriter {
    /// A message whose field 1 is a `Payload` of `count` zero bytes.
    func payload(_ count: Int) {
        let body = ByteWriter()
        if count > 0 {
            body.varint(2 << 3 | 2)
            body.varint(UInt64(count))
            body.appendZeros(count)
        }
        varint(1 << 3 | 2)
        varint(UInt64(body.count))
        append(body.bytes)
    }

    /// A message whose field 1 is a number.
    func number(_ value: Int) {
        varint(1 << 3)
        varint(UInt64(value))
    }
}
