import Logging
import Metrics
import Transport

/// The server's certificates, and what the log says when they change.
struct Certificates {
    let identity: TLSIdentity
    private let renewals: Counter
    private let failures: Counter
    private let logger: Logger

    init(
        _ files: TLSFiles,
        metrics: Metrics.Registry,
        logger: Logger
    ) throws(TransportError) {
        let identity = try TLSIdentity(files)
        self.identity = identity
        self.logger = logger
        let name = "bowerbird_tls_reloads_total"
        let help = "Certificate files that were read again, by result."
        renewals = metrics.counter(name, help, [("result", "renewed")])
        failures = metrics.counter(name, help, [("result", "refused")])
        metrics.reading(
            "bowerbird_tls_certificate_expiry_timestamp_seconds",
            "When the server's certificate ends."
        ) { Double(identity.current.expires) }
        logger.info("certificate", metadata: ["subject": "\(identity.current.subject)"])
    }

    /// Reads the files again.
    func renew() { tell(identity.reload()) }

    /// The same, if one has changed.
    func check() { tell(identity.reloadIfChanged()) }

    private func tell(_ outcome: TLSIdentity.Reload) {
        switch outcome {
        case .unchanged:
            break
        case .renewed:
            renewals.add()
            logger.info(
                "certificate renewed",
                metadata: ["subject": "\(identity.current.subject)"]
            )
        case .refused(let error):
            failures.add()
            logger.error(
                "certificate can't be renewed; the old one stays",
                metadata: ["reason": "\(error.message)"]
            )
        }
    }
}
