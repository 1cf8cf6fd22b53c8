/// Names one stream of one connection for good.
///
/// HTTP/2 never reuses a stream id within a connection; `connection` tells connections apart, so
/// that a late answer to a closed one cannot reach its successor.
package struct StreamKey: Hashable, Sendable {
    package let connection: UInt64
    package let id: Int32

    package init(connection: UInt64, id: Int32) {
        self.connection = connection
        self.id = id
    }
}
