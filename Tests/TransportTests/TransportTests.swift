import TestSupport
import Testing
import Transport

@Suite
struct `A timer wheel` {
    @Test
    func `fires in order, never early, and forgets what was cancelled`() {
        let loop = TestLoop()
        var fired: [Int] = []
        for delay in [900, 20, 5_000, 300] {
            _ = loop.schedule(
                atNanoseconds: loop.nowNanoseconds + UInt64(delay) * 1_000_000
            ) { fired.append(delay) }
        }
        let cancelled = loop.schedule(atNanoseconds: loop.nowNanoseconds + 50_000_000) {
            fired.append(-1)
        }
        loop.cancel(cancelled)
        loop.advance(milliseconds: 19)
        #expect(fired.isEmpty)
        loop.advance(milliseconds: 6)
        #expect(fired == [20])
        loop.advance(milliseconds: 1_000)
        #expect(fired == [20, 300, 900])
        loop.advance(milliseconds: 10_000)
        #expect(fired == [20, 300, 900, 5_000])
    }
}

@Suite
struct `A socket address` {
    @Test(arguments: ["127.0.0.1:50051", "[0:0:0:0:0:0:0:1]:0", "unix:/tmp/a"])
    func `prints as it is written`(text: String) throws {
        #expect(try SocketAddress(parsing: text).description == text)
    }

    @Test(arguments: [
        ("host", "'host' is no address: the form is HOST:PORT or unix:PATH"),
        (
            "example.org:1",
            "'example.org:1' is no address: 'example.org' is no numeric address; names are not "
                + "looked up"
        ),
        ("127.0.0.1:70000", "'127.0.0.1:70000' is no address: the form is HOST:PORT or unix:PATH"),
    ])
    func `says what is wrong with it`(text: String, message: String) {
        #expect(throws: TransportError(.badAddress, message)) {
            try SocketAddress(parsing: text)
        }
    }

    @Test
    func `knows loopback`() throws {
        #expect(try SocketAddress(parsing: "127.8.0.1:1").isLoopback)
        #expect(try !SocketAddress(parsing: "10.0.0.1:1").isLoopback)
    }
}

@Suite
struct `A header block` {
    @Test
    func `finds the first value of a name`() {
        let block = HeaderBlock([.init(name: "a", value: "1"), .init(name: "a", value: "2")])
        #expect(block.first("a") == "1")
        #expect(block.first("b") == nil)
    }
}
