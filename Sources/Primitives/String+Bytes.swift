extension String {
    /// Runs `body` with the text's UTF-8 bytes, without a copy where they lie in one piece.
    package func withRawSpan<R>(_ body: (RawSpan) -> R) -> R {
        var text = self
        return text.withUTF8 { buffer in
            let bytes = UnsafeRawBufferPointer(buffer)
            return unsafe body(bytes.bytes)
        }
    }
}
