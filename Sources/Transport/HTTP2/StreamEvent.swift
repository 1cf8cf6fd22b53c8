/// What libnghttp2 saw, queued by a callback and acted upon after it has returned.
enum StreamEvent {
    /// A complete header block that begins a message.
    case headers(id: Int32, HeaderBlock, endStream: Bool)
    /// A complete header block that ends one.
    case trailers(id: Int32, HeaderBlock)
    /// Bytes of the buffer that is being received, by their place in it.
    case data(id: Int32, range: Range<Int>, endStream: Bool)
    /// The peer ended its side without bytes or trailers.
    case ended(id: Int32)
    case closed(id: Int32, HTTP2ErrorCode)
}
