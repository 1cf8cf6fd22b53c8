import RPC
import Testing

@Suite
struct `A trace parent` {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    @Test
    func `names a trace and the step that asks`() {
        let parent = TraceParent("00-\(Self.trace)-\(Self.span)-01")
        #expect(parent?.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(parent?.parentID == "00f067aa0ba902b7")
    }

    @Test
    func `may say more in a later version`() {
        #expect(TraceParent("01-\(Self.trace)-\(Self.span)-01-more") != nil)
        #expect(TraceParent("01-\(Self.trace)-\(Self.span)-01") != nil)
        #expect(TraceParent("01-\(Self.trace)-\(Self.span)-01more") == nil)
    }

    @Test(
        arguments: [
            "", "00", "00-\(trace)-\(span)-0", "00-\(trace)-\(span)-01-more",
            "ff-\(trace)-\(span)-01", "00-\(trace.uppercased())-\(span)-01",
            "00-\(String(repeating: "0", count: 32))-\(span)-01",
            "00-\(trace)-0000000000000000-01", "00_\(trace)-\(span)-01",
            "0g-\(trace)-\(span)-01", "00-\(trace)-\(span)-é1",
        ]
    )
    func `is nothing when it is of another form`(text: String) {
        #expect(TraceParent(text) == nil)
    }
}
