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
        var text = self
        return text.withUTF8 { buffer in
            let bytes = UnsafeRawBufferPointer(buffer)
            return unsafe body(bytes.bytes)
        }
    }
}
