import Primitives
import Testing

struct HexTextTests {
    @Test(arguments: [0, 1, 15, 16, 255, 0x0123_4567_89AB_CDEF, .max] as [UInt64])
    func `Numbers are written as Swift writes them`(number: UInt64) {
        var text = HexText()
        text.append(number)
        text.append(".")
        text.append(digits: 16, of: number)
        let short = String(number, radix: 16)
        let zeros = String(repeating: "0", count: 16 - short.utf8.count)
        #expect(text.text == short + "." + zeros + short)
    }

    @Test
    func `The bytes are the text's`() {
        var text = HexText()
        #expect(text.isEmpty)
        #expect(text.withRawSpan { $0.byteCount } == 0)
        text.append(0xC0FFEE)
        #expect(!text.isEmpty)
        #expect(text.withRawSpan { $0.withUnsafeBytes { Array($0) } } == Array("c0ffee".utf8))
    }
}

@Suite
struct `Bytes` {
    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("", "a", -1), ("ab", "ab", 0), ("ab", "abc", -1),
        ("b", "abc", 1),
        ("a", "é", -1), ("a long text of more than one word", "a long text of more than one", 1),
    ])
    func `compare as in a dictionary`(left: String, right: String, order: Int) {
        let found = left.withRawSpan { left in right.withRawSpan { left.compare(to: $0) } }
        #expect(found.signum() == order)
    }
}
