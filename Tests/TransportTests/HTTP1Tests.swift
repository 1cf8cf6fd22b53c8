import Primitives
import Testing
import Transport

@Suite
struct `A parser of HTTP 1 requests` {
    private func steps(_ text: String, pieces: Int = 1) -> [HTTP1Parser.Step] {
        var parser = HTTP1Parser()
        var found: [HTTP1Parser.Step] = []
        let bytes = Array(text.utf8)
        let size = max(1, bytes.count / pieces)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = Array(bytes[start..<min(bytes.count, start + size)])
            parser.append(piece.span.bytes)
            while true {
                let step = parser.next()
                if step == .needsMore { break }
                found.append(step)
                if case .refused = step { return found }
            }
        }
        return found
    }

    @Test(arguments: [1, 3, 1_000])
    func `finds every request however the bytes are cut`(pieces: Int) {
        let text =
            "GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n\r\nHEAD / HTTP/1.0\r\n\r\n"
            + "GET /b HTTP/1.1\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n"
        #expect(
            steps(text, pieces: pieces) == [
                .request(HTTP1Request(method: "GET", path: "/metrics", keepsAlive: true)),
                .request(HTTP1Request(method: "HEAD", path: "/", keepsAlive: false)),
                .request(HTTP1Request(method: "GET", path: "/b", keepsAlive: false)),
            ]
        )
    }

    @Test(
        arguments: [
            ("GET\r\n\r\n", 400), ("GET / HTTP/2\r\n\r\n", 400), ("GET x HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 413),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413),
            (String(repeating: "a", count: Limits.adminHeadBytesMax + 1), 431),
            (
                "GET / HTTP/1.1\r\na: " + String(repeating: "b", count: Limits.adminHeadBytesMax)
                    + "\r\n\r\n", 431
            ),
        ] as [(String, Int)]
    )
    func `refuses what it does not serve`(text: String, status: Int) {
        guard case .refused(let found, _) = steps(text).last else {
            Issue.record("taken")
            return
        }
        #expect(found == status)
    }
}
