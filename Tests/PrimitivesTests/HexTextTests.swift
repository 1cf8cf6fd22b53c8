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
}
