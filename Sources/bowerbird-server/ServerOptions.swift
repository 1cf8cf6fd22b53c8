import ArgumentParser
import Services
import Transport

extension MethodAccessTable.Openness: ExpressibleByArgument {}

/// The flags of `bowerbird-server`.
struct ServerOptions: ParsableArguments {
    @Option(help: "Where the data is kept; made if absent. Refused when another server has it.")
    var dataDirectory: String?

    @Flag(help: "Keep nothing on disk.")
    var ephemeral = false

    @Option(
        help: "HOST:PORT or unix:PATH to listen on; repeatable. Port 0 picks a free one."
    )
    var listen: [String] = ["127.0.0.1:50051"]

    @Option(
        help: """
            HOST:PORT of the HTTP/1.1 port with /livez, /readyz, /metrics and /version; '-' for \
            none. Default: 127.0.0.1:9464, or none when that is taken.
            """
    )
    var adminListen: String?

    @Option(help: "The server's certificate with its chain, a PEM file; gRPC is TLS then.")
    var tlsCertificate: String?

    @Option(help: "The key of that, a PEM file.")
    var tlsKey: String?

    @Option(help: "Who signs the clients' certificates, a PEM file; clients need one then.")
    var tlsClientCA: String?

    @Option(help: "Who may do what: a file that bowerbird token writes; callers need a token then.")
    var tokenFile: String?

    @Flag(help: "Listen on other addresses than loopback without TLS, with tokens in the clear.")
    var allowPlaintext = false

    @Option(help: "Who may ask for health: 'open' for everybody, 'known' for callers with a token.")
    var healthAccess = MethodAccessTable.Openness.open

    @Option(help: "The same for reflection.")
    var reflectionAccess = MethodAccessTable.Openness.known

    @Option(help: "Threads that serve connections. Default: one a core.")
    var reactors: Int?

    @Flag(help: "Log one line a call.")
    var accessLog = false

    var tlsFiles: TLSFiles? {
        guard let tlsCertificate, let tlsKey else { return nil }
        return TLSFiles(certificate: tlsCertificate, key: tlsKey, clientCA: tlsClientCA)
    }

    func validate() throws {
        if let reactors, !(1...256).contains(reactors) {
            throw ValidationError("--reactors is \(reactors); 1 to 256 are allowed")
        }
        guard (tlsCertificate == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-certificate and --tls-key go together")
        }
        guard tlsClientCA == nil || tlsCertificate != nil else {
            throw ValidationError("--tls-client-ca needs --tls-certificate and --tls-key")
        }
        guard (dataDirectory != nil) != ephemeral else {
            throw ValidationError(
                "give either --data-directory DIR, to keep what is acknowledged, or --ephemeral"
            )
        }
    }
}

extension ServerOptions {
    /// Refuses what would let strangers in, or others listen.
    func checkNetwork(_ addresses: [SocketAddress]) throws {
        for address in addresses where !address.isLoopback {
            guard tokenFile != nil || tlsClientCA != nil else {
                throw ValidationError(
                    "--listen \(address): nobody proves who they are, so only loopback addresses "
                        + "and unix sockets are allowed; --token-file or --tls-client-ca asks"
                )
            }
            guard tlsCertificate != nil || allowPlaintext else {
                throw ValidationError(
                    "--listen \(address): tokens would go in the clear; give --tls-certificate and "
                        + "--tls-key, or --allow-plaintext behind a proxy that speaks TLS"
                )
            }
        }
    }
}
