import Glibc

extension RawSpan {
    /// Below 0 when these bytes come before the others', 0 when they are the same, else above.
    package func compare(to other: RawSpan) -> Int {
        let order = unsafe withUnsafeBytes { mine in
            unsafe other.withUnsafeBytes { others -> Int32 in
                let count = min(mine.count, others.count)
                guard count > 0, let start = mine.baseAddress, let other = others.baseAddress
                else { return 0 }
                return unsafe memcmp(start, other, count)
            }
        }
        return order == 0 ? byteCount - other.byteCount : Int(order)
    }
}

extension String {
    /// The text, or of a longer one its first `maximum` bytes and `…`; no scalar is cut.
    package func shortened(toBytes maximum: Int) -> String {
        guard utf8.count > maximum else { return self }
        var end = utf8.index(startIndex, offsetBy: maximum)
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return "\(self[..<end])…"
    }

    /// Runs `body` with the text's UTF-8 bytes, without a copy where they lie in one piece.
    package func withRawSpan<R>(_ body: (RawSpan) -> R) -> R {
        unsafe body(utf8Span.span.bytes)
    }
}
