import Primitives

/// The head of one HTTP/1.1 request without a body.
package struct HTTP1Request: Hashable, Sendable {
    package var method: String
    /// The target without its query.
    package var path: String
    /// Whether the peer will ask again on this connection.
    package var keepsAlive: Bool

    package init(method: String, path: String, keepsAlive: Bool) {
        self.method = method
        self.path = path
        self.keepsAlive = keepsAlive
    }
}

/// Cuts a stream of bytes into request heads.
///
/// Only what probes and scrapers send is understood: a request line, fields, no body. Anything else
/// ends the connection with a status that says so.
package struct HTTP1Parser {
    package enum Step: Hashable {
        case needsMore
        case request(HTTP1Request)
        /// The connection answers with this status and ends.
        case refused(status: Int, reason: String)
    }

    private var buffer: [UInt8] = []

    package init() {}

    /// Whether a request has begun and not ended.
    package var isInside: Bool { !buffer.isEmpty }

    package mutating func append(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe buffer.append(contentsOf: $0) }
    }

    package mutating func next() -> Step {
        // A peer may end the line before its request twice.
        while buffer.starts(with: [13, 10]) { buffer.removeFirst(2) }
        guard let end = Self.endOfHead(buffer) else {
            return buffer.count > Limits.adminHeadBytesMax
                ? .refused(status: 431, reason: "the head of a request is too large")
                : .needsMore
        }
        guard end <= Limits.adminHeadBytesMax else {
            return .refused(status: 431, reason: "the head of a request is too large")
        }
        let head = String(decoding: buffer[..<end], as: UTF8.self)
        buffer.removeFirst(end + 4)
        return Self.parse(head)
    }

    /// Where CR LF CR LF begins.
    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 0...bytes.count - 4
        where bytes[index] == 13 && bytes[index + 1] == 10 && bytes[index + 2] == 13
            && bytes[index + 3] == 10
        {
            return index
        }
        return nil
    }

    private static func parse(_ head: String) -> Step {
        // CR LF is one Character.
        let lines = head.split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines[0].split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0",
            words[1].first == "/"
        else { return .refused(status: 400, reason: "no HTTP/1.1 request line") }
        var keepsAlive = words[2] == "HTTP/1.1"
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else {
                return .refused(status: 400, reason: "a field has no name")
            }
            let name = line[..<colon].lowercased()
            let value = line[line.index(after: colon)...].lowercased()
                .split(separator: " ").joined(separator: " ")
            switch name {
            case "transfer-encoding":
                return .refused(status: 413, reason: "a request here has no body")
            case "content-length" where value != "0":
                return .refused(status: 413, reason: "a request here has no body")
            case "connection" where value == "close": keepsAlive = false
            case "connection" where value == "keep-alive": keepsAlive = true
            default: break
            }
        }
        let path = words[1].prefix { $0 != "?" }
        return .request(
            HTTP1Request(method: String(words[0]), path: String(path), keepsAlive: keepsAlive)
        )
    }
}
