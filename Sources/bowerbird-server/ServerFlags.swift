import ArgumentParser
import Foundation
import Settings
import Transport

/// The flags of `bowerbird-server`: one for each setting, and where more of them are.
///
/// Without a default of their own: what nobody gives is looked for elsewhere.
struct ServerFlags: ParsableArguments {
    @Option(
        help: "A YAML file of settings, by the names of these flags. Default: BOWERBIRD_CONFIG."
    )
    var config: String?

    @Flag(help: "Print every setting with its value and where that comes from, and end.")
    var printConfig = false

    @Flag(help: "Check all settings, and end.")
    var checkConfig = false

    @Option(name: .customLong("data-directory"), help: .of("data-directory"))
    var dataDirectory: String?
    @Option(name: .customLong("listen"), help: .of("listen"))
    var listen: [String] = []
    @Option(name: .customLong("admin-listen"), help: .of("admin-listen"))
    var adminListen: String?
    @Option(name: .customLong("import-root"), help: .of("import-root"))
    var importRoot: [String] = []
    @Option(name: .customLong("export-root"), help: .of("export-root"))
    var exportRoot: [String] = []
    @Option(name: .customLong("backup-root"), help: .of("backup-root"))
    var backupRoot: String?
    @Option(name: .customLong("durability"), help: .of("durability"))
    var durability: String?
    @Option(name: .customLong("durability-interval-ms"), help: .of("durability-interval-ms"))
    var durabilityIntervalMs: String?
    @Option(name: .customLong("memory-budget"), help: .of("memory-budget"))
    var memoryBudget: String?
    @Option(name: .customLong("reactors"), help: .of("reactors"))
    var reactors: String?
    @Option(name: .customLong("tls-certificate"), help: .of("tls-certificate"))
    var tlsCertificate: String?
    @Option(name: .customLong("tls-key"), help: .of("tls-key"))
    var tlsKey: String?
    @Option(name: .customLong("tls-client-ca"), help: .of("tls-client-ca"))
    var tlsClientCa: String?
    @Option(name: .customLong("token-file"), help: .of("token-file"))
    var tokenFile: String?
    @Option(name: .customLong("health-access"), help: .of("health-access"))
    var healthAccess: String?
    @Option(name: .customLong("reflection-access"), help: .of("reflection-access"))
    var reflectionAccess: String?
    @Option(name: .customLong("log-level"), help: .of("log-level"))
    var logLevel: [String] = []
    @Option(name: .customLong("log-format"), help: .of("log-format"))
    var logFormat: String?
    @Option(name: .customLong("slow-call-ms"), help: .of("slow-call-ms"))
    var slowCallMs: String?
    @Option(name: .customLong("message-bytes-max"), help: .of("message-bytes-max"))
    var messageBytesMax: String?
    @Option(name: .customLong("receive-bytes-max"), help: .of("receive-bytes-max"))
    var receiveBytesMax: String?
    @Option(name: .customLong("connections-max"), help: .of("connections-max"))
    var connectionsMax: String?
    @Option(
        name: .customLong("connections-per-address-max"),
        help: .of("connections-per-address-max")
    )
    var connectionsPerAddressMax: String?
    @Option(name: .customLong("connection-age-max-ms"), help: .of("connection-age-max-ms"))
    var connectionAgeMaxMs: String?
    @Option(name: .customLong("connection-age-grace-ms"), help: .of("connection-age-grace-ms"))
    var connectionAgeGraceMs: String?
    @Option(name: .customLong("handshake-timeout-ms"), help: .of("handshake-timeout-ms"))
    var handshakeTimeoutMs: String?
    @Option(name: .customLong("request-timeout-ms"), help: .of("request-timeout-ms"))
    var requestTimeoutMs: String?
    @Option(name: .customLong("stalled-write-timeout-ms"), help: .of("stalled-write-timeout-ms"))
    var stalledWriteTimeoutMs: String?
    @Option(name: .customLong("idle-timeout-ms"), help: .of("idle-timeout-ms"))
    var idleTimeoutMs: String?
    @Option(name: .customLong("keepalive-interval-ms"), help: .of("keepalive-interval-ms"))
    var keepaliveIntervalMs: String?
    @Option(name: .customLong("keepalive-timeout-ms"), help: .of("keepalive-timeout-ms"))
    var keepaliveTimeoutMs: String?
    @Option(name: .customLong("drain-grace-ms"), help: .of("drain-grace-ms"))
    var drainGraceMs: String?
    @Option(name: .customLong("calls-in-flight-max"), help: .of("calls-in-flight-max"))
    var callsInFlightMax: String?
    @Option(help: .of("calls-per-address-max"))
    var callsPerAddressMax: String?
    @Option(name: .customLong("overload-delay-ms"), help: .of("overload-delay-ms"))
    var overloadDelayMs: String?
    @Option(name: .customLong("token-rate-max"), help: .of("token-rate-max"))
    var tokenRateMax: String?
    @Option(name: .customLong("records-per-call-max"), help: .of("records-per-call-max"))
    var recordsPerCallMax: String?
    @Option(name: .customLong("clock-skew-ms"), help: .of("clock-skew-ms"))
    var clockSkewMs: String?
    @Option(name: .customLong("group-records-max"), help: .of("group-records-max"))
    var groupRecordsMax: String?
    @Option(name: .customLong("group-interactions-max"), help: .of("group-interactions-max"))
    var groupInteractionsMax: String?
    @Option(name: .customLong("group-bytes-max"), help: .of("group-bytes-max"))
    var groupBytesMax: String?
    @Option(name: .customLong("filters-per-group-max"), help: .of("filters-per-group-max"))
    var filtersPerGroupMax: String?
    @Option(name: .customLong("filter-characters-max"), help: .of("filter-characters-max"))
    var filterCharactersMax: String?
    @Option(name: .customLong("filter-columns-max"), help: .of("filter-columns-max"))
    var filterColumnsMax: String?
    @Option(name: .customLong("filter-values-max"), help: .of("filter-values-max"))
    var filterValuesMax: String?
    @Option(name: .customLong("group-rate-max"), help: .of("group-rate-max"))
    var groupRateMax: String?
    @Flag(name: .customLong("ephemeral"), help: .of("ephemeral"))
    var ephemeral = false
    @Flag(name: .customLong("allow-plaintext"), help: .of("allow-plaintext"))
    var allowPlaintext = false
    @Flag(name: .customLong("access-log"), help: .of("access-log"))
    var accessLog = false

    /// The values that were given, by setting.
    private var given: [String: [String]] {
        let options: [(String, String?)] = [
            ("data-directory", dataDirectory),
            ("admin-listen", adminListen),
            ("reactors", reactors),
            ("tls-certificate", tlsCertificate),
            ("tls-key", tlsKey),
            ("tls-client-ca", tlsClientCa),
            ("token-file", tokenFile),
            ("health-access", healthAccess),
            ("reflection-access", reflectionAccess),
            ("log-format", logFormat),
            ("slow-call-ms", slowCallMs),
            ("message-bytes-max", messageBytesMax),
            ("receive-bytes-max", receiveBytesMax),
            ("connections-max", connectionsMax),
            ("connections-per-address-max", connectionsPerAddressMax),
            ("connection-age-max-ms", connectionAgeMaxMs),
            ("connection-age-grace-ms", connectionAgeGraceMs),
            ("handshake-timeout-ms", handshakeTimeoutMs),
            ("request-timeout-ms", requestTimeoutMs),
            ("stalled-write-timeout-ms", stalledWriteTimeoutMs),
            ("idle-timeout-ms", idleTimeoutMs),
            ("keepalive-interval-ms", keepaliveIntervalMs),
            ("keepalive-timeout-ms", keepaliveTimeoutMs),
            ("drain-grace-ms", drainGraceMs),
            ("calls-in-flight-max", callsInFlightMax),
            ("calls-per-address-max", callsPerAddressMax),
            ("overload-delay-ms", overloadDelayMs),
            ("token-rate-max", tokenRateMax),
            ("records-per-call-max", recordsPerCallMax), ("clock-skew-ms", clockSkewMs),
            ("group-records-max", groupRecordsMax),
            ("group-interactions-max", groupInteractionsMax),
            ("group-bytes-max", groupBytesMax),
            ("filters-per-group-max", filtersPerGroupMax),
            ("filter-characters-max", filterCharactersMax),
            ("filter-columns-max", filterColumnsMax), ("filter-values-max", filterValuesMax),
            ("group-rate-max", groupRateMax),
            ("backup-root", backupRoot), ("durability", durability),
            ("durability-interval-ms", durabilityIntervalMs), ("memory-budget", memoryBudget),
        ]
        let switches = [
            ("ephemeral", ephemeral),
            ("allow-plaintext", allowPlaintext),
            ("access-log", accessLog),
        ]
        var given = [
            "listen": listen, "import-root": importRoot, "export-root": exportRoot,
            "log-level": logLevel,
        ]
        for (key, value) in options where value != nil { given[key] = value.map { [$0] } }
        for (key, isOn) in switches where isOn { given[key] = ["true"] }
        return given
    }

    /// All settings as they are now: the file and the environment are read anew.
    func read() throws(SettingsError) -> ServerSettings {
        try ServerSettings(table())
    }

    func table() throws(SettingsError) -> SettingsTable {
        let environment = ProcessInfo.processInfo.environment
        var file: (path: String, content: SettingsFile)?
        if let path = config ?? environment["BOWERBIRD_CONFIG"] {
            do {
                let text = try Files.read(path, bytesMax: 1 << 20)
                file = (path, try SettingsFile(parsing: text))
            } catch let error as SettingsError {
                throw SettingsError("\(path), \(error.message)")
            } catch let error as TransportError {
                throw SettingsError("--config: \(error.message)")
            } catch {
                throw SettingsError("--config: \(error)")
            }
        }
        return try SettingsTable(
            ServerSettings.all,
            flags: given,
            environment: environment,
            file: file
        )
    }
}

extension ArgumentHelp {
    /// The help of the setting with this key.
    fileprivate static func of(_ key: String) -> ArgumentHelp {
        ArgumentHelp(ServerSettings.help(key))
    }
}
