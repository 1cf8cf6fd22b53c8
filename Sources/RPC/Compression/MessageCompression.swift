package import Primitives

/// gzip for the messages of many calls, by turns on any thread.
package final class MessageCompression: Sendable {
    /// What this side reads, for `grpc-accept-encoding`.
    static let accepted = "identity, gzip"

    private let inflaters = Pool { GzipInflater() }
    private let deflaters = Pool { GzipDeflater() }

    package init() {}

    /// Whether a peer's `grpc-accept-encoding` names gzip.
    static func isAccepted(by list: String) -> Bool {
        list.split(separator: ",").contains { $0.trimming(" ") == "gzip" }
    }

    /// Unpacks a message and hands it to `body`, during whose run it is valid.
    func inflate(
        _ bytes: RawSpan,
        bytesMax: Int,
        _ body: (RawSpan) -> Void
    ) -> Status? {
        inflaters.with { inflater -> Status? in
            do throws(GzipInflater.Failure) {
                try inflater.inflate(bytes, bytesMax: bytesMax)
            } catch {
                switch error {
                case .damaged:
                    return Status(.internal, "a message marked as gzip can't be unpacked")
                case .tooLarge:
                    return Status(
                        .resourceExhausted,
                        "a message of \(bytes.byteCount) bytes unpacks to more than \(bytesMax) "
                            + "bytes, which is the limit"
                    )
                }
            }
            let output = inflater.output
            body(output.bytes)
            return nil
        }
    }

    /// Appends one message that `encode` writes: packed, or as it is when that is no larger.
    package func append(to writer: ByteWriter, _ encode: (ByteWriter) -> Void) {
        deflaters.with { deflater in
            let plain = deflater.plain
            plain.removeAll()
            encode(plain)
            if plain.count >= Limits.compressedMessageBytesMin {
                let start = writer.count
                MessageFramer.append(to: writer) { deflater.deflate(plain.bytes, into: $0) }
                if writer.count - start - MessageFramer.prefixBytes < plain.count {
                    writer.set(1, at: start)
                    return
                }
                writer.truncate(to: start)
            }
            MessageFramer.append(to: writer) { $0.append(plain.bytes) }
        }
    }
}

extension Substring {
    /// Without `character` at either end.
    fileprivate func trimming(_ character: Character) -> Substring {
        var text = self
        while text.first == character { text.removeFirst() }
        while text.last == character { text.removeLast() }
        return text
    }
}
