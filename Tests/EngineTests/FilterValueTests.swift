import Engine
import Testing

@Suite
struct `Filter numbers` {
    @Test
    func `are ordered by their exact value`() throws {
        let ascending = try [
            #require(FilterNumber(-1e300)), FilterNumber(Int64.min),
            #require(FilterNumber(-1.5)), FilterNumber(-1), #require(FilterNumber(-0.5)),
            FilterNumber(0), #require(FilterNumber(0.5)), FilterNumber(1),
            FilterNumber(9_007_199_254_740_992), FilterNumber(9_007_199_254_740_993),
            FilterNumber(Int64.max), #require(FilterNumber(0x1p63)),
        ]
        for (position, left) in ascending.enumerated() {
            for (other, right) in ascending.enumerated() {
                #expect((left < right) == (position < other), "\(left) < \(right)")
                #expect((left == right) == (position == other), "\(left) == \(right)")
            }
        }
    }

    @Test
    func `are one value however they came`() throws {
        #expect(FilterNumber(3.0) == FilterNumber(Int64(3)))
        #expect(FilterNumber(-0.0) == FilterNumber(Int64(0)))
        #expect(FilterNumber(Double.nan) == nil)
        #expect(FilterNumber(Double.infinity) == nil)
    }
}

@Suite
struct `The caret line of a filter error` {
    private func lines(_ expression: String, _ offset: Int, _ count: Int) -> [String] {
        FilterError(.syntax, SourceRange(offset: offset, count: count), "")
            .caretLines(in: expression, width: 20)
    }

    @Test
    func `stands under the place, in characters`() {
        #expect(lines("é = \"ü\" x", 10, 1) == ["é = \"ü\" x", "        ^"])
        #expect(lines("a\nbc de\nf", 5, 2) == ["bc de", "   ^^"])
        #expect(lines("abc", 3, 0) == ["abc", "   ^"])
    }

    @Test
    func `cuts a long line around the place`() {
        let long = String(repeating: "a", count: 30) + "XYZ" + String(repeating: "b", count: 30)
        #expect(lines(long, 30, 3) == ["…aaaaaXYZbbbbbbbbbb…", "      ^^^"])
        #expect(lines(long, 0, 1) == ["aaaaaaaaaaaaaaaaaaa…", "^"])
    }

    @Test
    func `survives any place in any text`() {
        for offset in -2...12 {
            for count in -1...12 { _ = lines("é\r\n\tü\"z", offset, count) }
        }
    }
}
