import Transport

/// The header block of a request, checked against gRPC's HTTP/2 mapping.
final class ServerRequest {
    /// Why a request is not gRPC at all.
    enum NotGRPC: Error {
        case method
        case contentType
    }

    let path: String
    /// Whether it is of the service that is always answered.
    let isAboutHealth: Bool
    let method: Router.Method?
    let timeoutNanoseconds: UInt64?
    let encoding: String
    let acceptsGzip: Bool
    /// The client's own name for the call, if it gave a usable one.
    let identity: RequestIdentity?

    /// Why the call cannot be served, if so; gRPC, but wrong or unknown.
    let refusal: Status?

    init(_ headers: HeaderBlock, router: Router) throws(NotGRPC) {
        var path = ""
        var timeout: String?
        var encoding = "identity"
        var acceptsGzip = false
        var identity: RequestIdentity?
        var isPost = false
        var isGRPC = false
        for field in headers.fields {
            switch field.name {
            case ":method": isPost = field.value == "POST"
            case ":path": path = field.value
            case "content-type": isGRPC = Self.isGRPC(field.value)
            case "grpc-timeout": timeout = field.value
            case "grpc-encoding": encoding = field.value
            case "grpc-accept-encoding":
                acceptsGzip = acceptsGzip || MessageCompression.isAccepted(by: field.value)
            case "x-request-id":
                if identity == nil { identity = RequestIdentity(client: field.value) }
            default: break
            }
        }
        guard isPost else { throw .method }
        guard isGRPC else { throw .contentType }
        self.path = path
        isAboutHealth = path.hasPrefix("/grpc.health.")
        self.encoding = encoding
        self.acceptsGzip = acceptsGzip
        self.identity = identity
        method = router.method(at: path)
        timeoutNanoseconds = timeout.flatMap { Timeout.parse($0) }
        if method == nil {
            refusal = router.refusal(of: path)
        } else if let timeout, timeoutNanoseconds == nil {
            refusal = Status(
                .invalidArgument,
                "malformed grpc-timeout '\(timeout.prefix(32))'; "
                    + "it is 1 to 8 digits and one of H M S m u n"
            )
        } else {
            refusal = nil
        }
    }

    /// `application/grpc`, alone or followed by `+proto` or parameters.
    private static func isGRPC(_ contentType: String) -> Bool {
        if contentType == "application/grpc" || contentType == "application/grpc+proto" {
            return true
        }
        let essence = contentType.prefix { $0 != ";" }.lowercased()
        let trimmed = essence.split(separator: " ").first ?? ""
        return trimmed == "application/grpc" || trimmed == "application/grpc+proto"
    }
}
