internal import Transport

/// How a client speaks TLS to its server.
public struct TLSSettings: Hashable, Sendable {
    /// Who may have signed the server's certificate, in a PEM file; `nil` for the system's list.
    public var caFile: String?
    /// What the client shows, in PEM files; both or neither.
    public var certificateFile: String?
    /// The key of `certificateFile`.
    public var keyFile: String?
    /// The name or address that the server's certificate must be for; `nil` for the host that is
    /// connected to.
    public var serverName: String?

    /// Settings; all by default.
    public init(
        caFile: String? = nil,
        certificateFile: String? = nil,
        keyFile: String? = nil,
        serverName: String? = nil
    ) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.serverName = serverName
    }

    /// Reads the files for connections to `server`.
    func prepared(for server: String) throws(TransportError) -> ClientTLS {
        var identity: TLSFiles?
        switch (certificateFile, keyFile) {
        case (nil, nil): break
        case (let certificate?, let key?): identity = TLSFiles(certificate: certificate, key: key)
        default:
            throw TransportError(.tls, "a client's certificate and its key go together")
        }
        return try ClientTLS(
            TLSTrust(ca: caFile, serverName: serverName ?? Self.host(server), identity: identity)
        )
    }

    /// The host of `HOST:PORT`, without the brackets of IPv6.
    private static func host(_ server: String) -> String {
        let host = server.lastIndex(of: ":").map { server[..<$0] } ?? server[...]
        return String(host.hasPrefix("[") ? host.dropFirst().dropLast() : host)
    }
}
