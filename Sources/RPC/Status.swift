package import Transport

/// How a call ended: a code, a sentence for people, details for programs.
package struct Status: Error, Hashable, Sendable {
    package var code: StatusCode
    package var message: String

    /// A serialized `google.rpc.Status`, or empty; opaque to this layer.
    package var details: [UInt8]

    package init(_ code: StatusCode, _ message: String = "", details: [UInt8] = []) {
        self.code = code
        self.message = message
        self.details = details
    }

    package static let ok = Status(.ok)

    package var isOK: Bool { code == .ok }

    /// Adds the status fields of a trailer block.
    package func encode(into block: inout HeaderBlock) {
        block.add("grpc-status", String(code.rawValue))
        if !message.isEmpty {
            block.add("grpc-message", PercentEncoding.encode(message))
        }
        if !details.isEmpty {
            block.add("grpc-status-details-bin", Base64.encode(details))
        }
    }

    /// Reads the status fields of a trailer block; nil when `grpc-status` is absent.
    ///
    /// A number outside the table is `UNKNOWN`, as gRPC's status page asks.
    package init?(decoding block: HeaderBlock) {
        guard let text = block.first("grpc-status") else { return nil }
        let code = UInt8(text).flatMap { StatusCode(rawValue: $0) }
        self.init(
            code ?? .unknown,
            block.first("grpc-message").map { PercentEncoding.decode($0) } ?? "",
            details: block.first("grpc-status-details-bin").flatMap { Base64.decode($0) } ?? []
        )
    }
}
