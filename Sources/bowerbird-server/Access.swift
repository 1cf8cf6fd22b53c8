import Logging
import Metrics
import RPC
import Transport

/// The server's tokens and roles, and what the log says when they change.
struct Access {
    let rules: AccessRules
    private let renewals: Counter
    private let failures: Counter
    private let logger: Logger

    init(
        file: String?,
        metrics: Metrics.Registry,
        logger: Logger
    ) throws(TransportError) {
        rules = try AccessRules(file: file)
        self.logger = logger
        let name = "bowerbird_token_reloads_total"
        let help = "Times that the token file was read again, by result."
        renewals = metrics.counter(name, help, [("result", "renewed")])
        failures = metrics.counter(name, help, [("result", "refused")])
    }

    /// Reads the file again.
    func renew() { tell(rules.reload()) }

    /// The same, if it has changed.
    func check() { tell(rules.reloadIfChanged()) }

    private func tell(_ outcome: AccessRules.Reload) {
        switch outcome {
        case .unchanged:
            break
        case .renewed:
            renewals.add()
            logger.info("tokens renewed")
        case .refused(let reason):
            failures.add()
            logger.error(
                "tokens can't be renewed; the old one stays",
                metadata: ["reason": "\(reason)"]
            )
        }
    }
}
