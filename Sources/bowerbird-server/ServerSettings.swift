import Engine
import Journal
import Logging
import Primitives
import RPC
import Services
import Serving
import Settings
import Transport

/// What a server was told, checked.
struct ServerSettings {
    let table: SettingsTable
    let dataDirectory: String?
    let listen: [SocketAddress]
    /// Where the admin port is asked for; `nil` for the default.
    let adminListen: String?
    /// Folders that jobs may read and write files in.
    let importRoots: [String]
    let exportRoots: [String]
    /// The folder in which backups are made.
    let backupRoot: String?
    let durability: Durability
    /// In bytes; 0: no bound.
    let memoryBudget: Int
    let reactors: Int?
    let tlsFiles: TLSFiles?
    let tokenFile: String?
    let healthAccess: MethodAccessTable.Openness
    let reflectionAccess: MethodAccessTable.Openness
    let messageBytesMax: Int
    let receiveBytesMax: Int
    let transport: TransportSettings
    let drainGraceMS: Int
    let filterQuotas: FilterQuotas
    let groupQuotas: GroupQuotas
    let recordLimits: RecordLimits
    let live: LiveSettings

    /// What a running server may be told anew.
    struct LiveSettings: Equatable {
        let logFormat: LogFormat
        let logLevels: LogLevels
        let logsCalls: Bool
        let slowCallMS: Int
        let callsInFlightMax: Int
        let callsPerAddressMax: Int
        let overloadDelayMS: Int
        let tokenRateMax: Int
        let groupRateMax: Int
    }

    init(_ table: SettingsTable) throws(SettingsError) {
        self.table = table
        func integer(_ key: String, _ range: ClosedRange<Int>) throws(SettingsError) -> Int {
            guard let value = try table[key].integer(range) else {
                throw table[key].refuse("a whole number is required")
            }
            return value
        }
        let day = 86_400_000
        _ = try integer("version", 1...1)
        dataDirectory = table["data-directory"].text
        adminListen = table["admin-listen"].text
        importRoots = table["import-root"].values.filter { !$0.isEmpty }
        exportRoots = table["export-root"].values.filter { !$0.isEmpty }
        backupRoot = table["backup-root"].text
        durability = try Self.durability(table, integer)
        memoryBudget = try Self.memoryBudget(table["memory-budget"])
        reactors = try table["reactors"].integer(1...256)
        tokenFile = table["token-file"].text
        healthAccess = try Self.openness(table["health-access"])
        reflectionAccess = try Self.openness(table["reflection-access"])
        listen = try Self.addresses(table["listen"])
        tlsFiles = try Self.tlsFiles(table)
        messageBytesMax = try integer("message-bytes-max", 1_024...1 << 30)
        receiveBytesMax = try integer("receive-bytes-max", 1 << 20...1 << 40)
        drainGraceMS = try integer("drain-grace-ms", 0...day)
        transport = TransportSettings(
            connectionsMax: try integer("connections-max", 1...1_000_000),
            connectionsPerAddressMax: try integer("connections-per-address-max", 1...1_000_000),
            connectionAgeMaxMS: try integer("connection-age-max-ms", 0...365 * day),
            connectionAgeGraceMS: try integer("connection-age-grace-ms", 0...day),
            handshakeTimeoutMS: try integer("handshake-timeout-ms", 100...day),
            requestTimeoutMS: try integer("request-timeout-ms", 100...day),
            stalledWriteTimeoutMS: try integer("stalled-write-timeout-ms", 100...day),
            idleTimeoutMS: try integer("idle-timeout-ms", 100...365 * day),
            keepAliveIntervalMS: try integer("keepalive-interval-ms", 0...day),
            keepAliveTimeoutMS: try integer("keepalive-timeout-ms", 100...day)
        )
        filterQuotas = FilterQuotas(
            charactersMax: try integer("filter-characters-max", 1...Limits.filterCharactersMax),
            columnsMax: try integer("filter-columns-max", 1...Limits.filterColumnsMax),
            filtersPerGroupMax: try integer("filters-per-group-max", 0...100_000),
            valuesMax: try integer("filter-values-max", 0...Limits.filterValuesMax)
        )
        groupQuotas = GroupQuotas(
            recordsMax: try integer("group-records-max", 0...1 << 32),
            interactionsMax: try integer("group-interactions-max", 0...1 << 50),
            bytesMax: try integer("group-bytes-max", 0...1 << 50)
        )
        let skewMS = try integer("clock-skew-ms", 0...365 * day)
        recordLimits = RecordLimits(
            recordsPerCallMax: try integer("records-per-call-max", 1...Limits.recordsPerCallMax),
            clockSkewMS: Int64(skewMS)
        )
        live = try Self.live(table, integer)
        try checkPlace()
        try checkNetwork()
    }

    private static func live(
        _ table: SettingsTable,
        _ integer: (String, ClosedRange<Int>) throws(SettingsError) -> Int
    ) throws(SettingsError) -> LiveSettings {
        let format = table["log-format"]
        guard let logFormat = LogFormat(rawValue: format.text ?? "") else {
            throw format.refuse("'\(format.text ?? "")' is neither 'logfmt' nor 'json'")
        }
        return LiveSettings(
            logFormat: logFormat,
            logLevels: try LogLevels(table["log-level"]),
            logsCalls: try table["access-log"].bool(),
            slowCallMS: try integer("slow-call-ms", 0...3_600_000),
            callsInFlightMax: try integer("calls-in-flight-max", 1...10_000_000),
            callsPerAddressMax: try integer("calls-per-address-max", 1...10_000_000),
            overloadDelayMS: try integer("overload-delay-ms", 0...60_000),
            tokenRateMax: try integer("token-rate-max", 0...10_000_000),
            groupRateMax: try integer("group-rate-max", 0...10_000_000)
        )
    }

    private static func memoryBudget(_ value: SettingValue) throws(SettingsError) -> Int {
        guard let text = value.text else {
            return Int(Double(MemoryGuard.availableByteCount()) * Limits.memoryShare)
        }
        let units = ["MiB": 1 << 20, "GiB": 1 << 30]
        let unit = units.first { text.hasSuffix($0.key) }
        let digits = text.dropLast(unit == nil ? 0 : 3).filter { $0 != " " }
        guard let number = Int(digits), (0...1 << 50).contains(number) else {
            throw value.refuse(
                "'\(text)' is no amount of memory, such as 4GiB, 512MiB, or 0 for no bound"
            )
        }
        let bytes = number * (unit?.value ?? 1)
        guard bytes == 0 || bytes >= Limits.memoryBudgetMin else {
            throw value.refuse(
                "'\(text)' is less than the \(Limits.memoryBudgetMin >> 20) MiB that a server needs"
            )
        }
        return bytes
    }

    private static func durability(
        _ table: SettingsTable,
        _ integer: (String, ClosedRange<Int>) throws(SettingsError) -> Int
    ) throws(SettingsError) -> Durability {
        let milliseconds = try integer("durability-interval-ms", 1...60_000)
        let value = table["durability"]
        switch value.text {
        case "sync": return .synced
        case "async": return .delayed(milliseconds: milliseconds)
        default: throw value.refuse("'\(value.text ?? "")' is neither 'sync' nor 'async'")
        }
    }

    private static func openness(
        _ value: SettingValue
    ) throws(SettingsError) -> MethodAccessTable.Openness {
        guard let openness = MethodAccessTable.Openness(rawValue: value.text ?? "") else {
            throw value.refuse("'\(value.text ?? "")' is neither 'open' nor 'known'")
        }
        return openness
    }

    private static func addresses(_ value: SettingValue) throws(SettingsError) -> [SocketAddress] {
        guard !value.values.isEmpty else { throw value.refuse("an address is required") }
        var addresses: [SocketAddress] = []
        for text in value.values {
            do throws(TransportError) {
                addresses.append(try SocketAddress(parsing: text))
            } catch {
                throw value.refuse(error.message)
            }
        }
        return addresses
    }

    private static func tlsFiles(_ table: SettingsTable) throws(SettingsError) -> TLSFiles? {
        let ca = table["tls-client-ca"]
        switch (table["tls-certificate"].text, table["tls-key"].text) {
        case (nil, nil):
            guard ca.text == nil else {
                throw ca.refuse("it needs --tls-certificate and --tls-key")
            }
            return nil
        case (let certificate?, let key?):
            return TLSFiles(certificate: certificate, key: key, clientCA: ca.text)
        default:
            throw table["tls-key"].refuse("it and --tls-certificate go together")
        }
    }

    private func checkPlace() throws(SettingsError) {
        let isEphemeral = try table["ephemeral"].bool()
        guard (dataDirectory != nil) != isEphemeral else {
            throw SettingsError(
                "give either --data-directory DIR, to keep what is acknowledged, or --ephemeral"
            )
        }
    }

    /// Refuses what would let strangers in, or others listen.
    private func checkNetwork() throws(SettingsError) {
        let allowsPlaintext = try table["allow-plaintext"].bool()
        for address in listen where !address.isLoopback {
            guard tokenFile != nil || tlsFiles?.clientCA != nil else {
                throw table["listen"].refuse(
                    "\(address): nobody proves who they are, so only loopback addresses and unix "
                        + "sockets are allowed; --token-file or --tls-client-ca asks"
                )
            }
            guard tlsFiles != nil || allowsPlaintext else {
                throw table["listen"].refuse(
                    "\(address): tokens would go in the clear; give --tls-certificate and "
                        + "--tls-key, or --allow-plaintext behind a proxy that speaks TLS"
                )
            }
        }
    }
}
