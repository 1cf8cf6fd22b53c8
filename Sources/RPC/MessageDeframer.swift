package import Primitives

/// Cuts a stream of DATA bytes into length-prefixed messages.
///
/// It is pulled: the caller holds a chunk and asks for the next message until the chunk is used up.
/// A message that lies whole in a chunk is named by its range and never copied; only one that is
/// cut by a chunk's end is assembled, in a buffer that grows with what has arrived, not with what
/// the peer announces.
package struct MessageDeframer {
    package enum Step: Equatable {
        /// The chunk is used up.
        case needsMore

        /// A message at this range of the chunk.
        case whole(Range<Int>)

        /// A message in `assembly`, valid until the next step.
        case assembled

        /// The peer broke the framing; nothing further can be read.
        case refused(Status)
    }

    /// The last message that came in pieces; `nil` before the first.
    package private(set) var assembly: ByteWriter?

    /// The peer's `grpc-encoding`, for messages whose prefix has not been read.
    package var encoding: String

    /// Whether the message of the last step is packed by `encoding`.
    package private(set) var isCompressed = false

    private let messageBytesMax: Int
    private var prefix: UInt64 = 0
    private var prefixCount = 0
    private var bodyBytes = 0
    private var isHandedOut = false

    /// `encoding` is the peer's `grpc-encoding`; `identity` when it sent none.
    package init(messageBytesMax: Int = Limits.messageBytesMax, encoding: String = "identity") {
        self.messageBytesMax = messageBytesMax
        self.encoding = encoding
    }

    /// Whether it may serve another stream as it is: nothing was assembled, and nothing is packed.
    var isUnused: Bool {
        assembly == nil && prefixCount == 0 && !isHandedOut && !isCompressed
            && encoding == "identity"
    }

    /// Bytes of a message that has begun and not ended.
    package var heldBytes: Int { isHandedOut ? 0 : assembledCount }

    private var assembledCount: Int { assembly?.count ?? 0 }

    /// Whether the bytes so far end between two messages.
    package var isAtBoundary: Bool { prefixCount == 0 }

    /// Reads on in `chunk` from `offset`, which moves past what was used.
    package mutating func next(in chunk: RawSpan, at offset: inout Int) -> Step {
        if isHandedOut {
            assembly?.removeAll()
            isHandedOut = false
        }
        while prefixCount < MessageFramer.prefixBytes {
            guard offset < chunk.byteCount else { return .needsMore }
            // SAFETY: `offset` was just checked against the span's end, and any bits are a UInt8.
            let byte = unsafe chunk.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            prefix = prefix << 8 | UInt64(byte)
            prefixCount += 1
            offset += 1
            if prefixCount == MessageFramer.prefixBytes, let refusal = prefixCompleted() {
                return .refused(refusal)
            }
        }
        let available = chunk.byteCount - offset
        if assembledCount == 0, available >= bodyBytes {
            let range = offset..<offset + bodyBytes
            offset = range.upperBound
            startNextMessage()
            return .whole(range)
        }
        let assembly = assembly ?? ByteWriter(capacity: 16)
        self.assembly = assembly
        let taken = min(available, bodyBytes - assembly.count)
        assembly.append(chunk.extracting(offset..<offset + taken))
        offset += taken
        guard assembly.count == bodyBytes else { return .needsMore }
        isHandedOut = true
        startNextMessage()
        return .assembled
    }

    /// What to say when the peer ends its side here; nil when it may.
    package func refusalAtEnd() -> Status? {
        if isAtBoundary { return nil }
        if prefixCount < MessageFramer.prefixBytes {
            return Status(
                .internal,
                "the stream ended after \(prefixCount) of the 5 bytes of a message prefix"
            )
        }
        return Status(
            .internal,
            "the stream ended after \(assembledCount) of the \(bodyBytes) bytes of a message"
        )
    }

    private mutating func startNextMessage() {
        prefix = 0
        prefixCount = 0
    }

    /// Checks a whole prefix; nil when its message may follow.
    private mutating func prefixCompleted() -> Status? {
        let flag = prefix >> 32
        isCompressed = flag == 1
        bodyBytes = Int(prefix & 0xFFFF_FFFF)
        guard flag <= 1 else {
            return Status(.internal, "compressed flag \(flag) of a message; 0 and 1 are defined")
        }
        if flag == 1, encoding == "identity" {
            return Status(.internal, "a message is marked compressed but grpc-encoding is identity")
        }
        if flag == 1, encoding != "gzip" {
            return Status(
                .unimplemented,
                "messages compressed with '\(encoding.prefix(32))' are not supported; supported: "
                    + MessageCompression.accepted
            )
        }
        guard bodyBytes <= messageBytesMax else {
            return Status(
                .resourceExhausted,
                "received message of \(bodyBytes) bytes; the limit is \(messageBytesMax)"
            )
        }
        return nil
    }
}
