import Primitives
import Settings

extension ServerSettings {
    /// Every setting, in the order in which people read them.
    static let all: [Setting] =
        [
            Setting("version", "The version of this file's form: 1.", defaults: ["1"]),
            Setting(
                "data-directory",
                "Where the data is kept; made if absent. Refused when another server has it."
            ),
            Setting("ephemeral", "Keep nothing on disk.", defaults: ["false"]),
            Setting(
                "listen",
                "HOST:PORT or unix:PATH of gRPC; repeatable. Port 0 picks a free one.",
                defaults: ["127.0.0.1:50051"]
            ),
            Setting(
                "admin-listen",
                """
                HOST:PORT of the HTTP/1.1 port with /livez, /readyz, /metrics and /version; '-' \
                for none. By default 127.0.0.1:9464, or none when that is taken.
                """
            ),
            Setting("import-root", "A folder whose files import jobs may read; repeatable."),
            Setting("export-root", "A folder in which export jobs may make files; repeatable."),
            Setting(
                "backup-root",
                "A folder in which 'bowerbird backup' makes whole copies of the data."
            ),
            Setting(
                "durability",
                """
                'sync': a write is on disk before it is acknowledged. 'async': a little later, \
                which a power cut may lose.
                """,
                defaults: ["sync"]
            ),
            Setting(
                "durability-interval-ms",
                "With 'async', how much later at most, 1 to 60000.",
                defaults: ["\(Limits.durabilityIntervalMS)"]
            ),
            Setting(
                "memory-budget",
                """
                How much memory the server may have, as in 4GiB or 512MiB; above it records are \
                refused, and reads and deletions go on. 0 for no bound. By default 85 % of the \
                machine's, or of the control group's.
                """
            ),
            Setting("reactors", "Threads that serve connections, 1 to 256. By default one a core."),
            Setting(
                "tls-certificate",
                "The server's certificate with its chain, a PEM file; gRPC is TLS then."
            ),
            Setting("tls-key", "The key of that, a PEM file."),
            Setting(
                "tls-client-ca",
                "Who signs the clients' certificates, a PEM file; clients need one then."
            ),
            Setting(
                "allow-plaintext",
                "Listen on other addresses than loopback without TLS, with tokens in the clear.",
                defaults: ["false"]
            ),
            Setting(
                "token-file",
                "Who may do what: a file that 'bowerbird token' writes; callers need a token then."
            ),
            Setting(
                "health-access",
                "Who may ask for health: 'open' for everybody, 'known' for callers with a token.",
                defaults: ["open"]
            ),
            Setting("reflection-access", "The same for reflection.", defaults: ["known"]),
            Setting(
                "log-level",
                """
                trace, debug, info, notice, warning or error; SUBSYSTEM=LEVEL for one of \
                \(Subsystem.names); repeatable.
                """,
                defaults: ["info"],
                isLive: true
            ),
            Setting(
                "log-format",
                "Lines of key=value ('logfmt'), or one JSON object a line ('json').",
                defaults: ["logfmt"],
                isLive: true
            ),
            Setting("access-log", "Log one line a call.", defaults: ["false"], isLive: true),
            Setting(
                "slow-call-ms",
                "Log calls of one message and one answer that take longer; 0 for none.",
                defaults: ["\(Limits.slowCallMS)"],
                isLive: true
            ),
        ] + limits

    private static let limits: [Setting] = [
        Setting(
            "message-bytes-max",
            "One message, in bytes, packed or not.",
            defaults: ["\(Limits.messageBytesMax)"]
        ),
        Setting(
            "receive-bytes-max",
            "Unfinished messages of all calls together, in bytes; calls above it are refused.",
            defaults: ["\(Limits.receiveBytesMax)"]
        ),
        Setting(
            "connections-max",
            "Open connections; more are closed at once.",
            defaults: ["\(Limits.connectionsMax)"]
        ),
        Setting(
            "connections-per-address-max",
            "The same from one address (of IPv6, one network of 64 bits).",
            defaults: ["\(Limits.connectionsPerAddressMax)"]
        ),
        Setting(
            "connection-age-max-ms",
            "After this a connection is asked to go, as in a drain; 0 for never.",
            defaults: ["0"]
        ),
        Setting(
            "connection-age-grace-ms",
            "How long its calls may still take.",
            defaults: ["\(Limits.drainGraceMS)"]
        ),
        Setting(
            "handshake-timeout-ms",
            "From a connection to its first HTTP/2 settings, TLS included.",
            defaults: ["\(Limits.handshakeTimeoutMS)"]
        ),
        Setting(
            "request-timeout-ms",
            "From a call's headers to the end of the only message of a call that takes one.",
            defaults: ["\(Limits.requestTimeoutMS)"]
        ),
        Setting(
            "stalled-write-timeout-ms",
            "How long a client may leave what it is sent.",
            defaults: ["\(Limits.stalledWriteTimeoutMS)"]
        ),
        Setting(
            "idle-timeout-ms",
            "How long a connection lasts without a call.",
            defaults: ["\(Limits.idleTimeoutMS)"]
        ),
        Setting(
            "keepalive-interval-ms",
            "After such a silence in the middle of its calls a client gets a PING; 0 for never.",
            defaults: ["\(Limits.keepAliveIntervalMS)"]
        ),
        Setting(
            "keepalive-timeout-ms",
            "How long a client may take for a sign of life.",
            defaults: ["\(Limits.keepAliveTimeoutMS)"]
        ),
        Setting(
            "drain-grace-ms",
            "How long running calls may take when the server stops.",
            defaults: ["\(Limits.drainGraceMS)"]
        ),
        Setting(
            "records-per-call-max",
            "Records of one Put call, up to the default.",
            defaults: ["\(Limits.recordsPerCallMax)"]
        ),
        Setting(
            "clock-skew-ms",
            "How far ahead of the server's clock an event may be.",
            defaults: ["\(Limits.clockSkewMS)"]
        ),
        Setting(
            "group-records-max",
            "Users and items of one dataset group that have records; 0 for any number.",
            defaults: ["0"]
        ),
        Setting(
            "group-interactions-max",
            "Interactions of one dataset group; 0 for any number.",
            defaults: ["0"]
        ),
        Setting(
            "group-bytes-max",
            """
            Bytes of all these of one dataset group: texts and numbers as they were sent, and \
            \(Limits.recordBytesCounted) a record; 0 for any number.
            """,
            defaults: ["0"]
        ),
        Setting(
            "filters-per-group-max",
            "Filters of one dataset group.",
            defaults: ["\(Limits.filtersPerGroupMax)"]
        ),
        Setting(
            "filter-characters-max",
            "Characters of a filter expression, up to the default.",
            defaults: ["\(Limits.filterCharactersMax)"]
        ),
        Setting(
            "filter-columns-max",
            "Columns of one filter, up to the default.",
            defaults: ["\(Limits.filterColumnsMax)"]
        ),
        Setting(
            "filter-values-max",
            "Values of all parameters of a filter in one request, up to the default.",
            defaults: ["\(Limits.filterValuesMax)"]
        ),
        Setting(
            "calls-in-flight-max",
            "Calls at a time; more are refused at once.",
            defaults: ["\(Limits.callsInFlightMax)"],
            isLive: true
        ),
        Setting(
            "calls-per-address-max",
            "The same from one address (of IPv6, one network of 64 bits).",
            defaults: ["\(Limits.callsPerAddressMax)"],
            isLive: true
        ),
        Setting(
            "overload-delay-ms",
            "How long calls may wait before some are refused; 0 for any time.",
            defaults: ["\(Limits.overloadDelayMS)"],
            isLive: true
        ),
        Setting(
            "token-rate-max",
            "Calls a second of one token or certificate; 0 for any number.",
            defaults: ["0"],
            isLive: true
        ),
        Setting(
            "group-rate-max",
            "Calls a second for one dataset group; 0 for any number.",
            defaults: ["0"],
            isLive: true
        ),
    ]

    /// The help of a setting, for its flag.
    static func help(_ key: String) -> String {
        guard let setting = all.first(where: { $0.key == key }) else {
            preconditionFailure("no setting '\(key)'")
        }
        return setting.defaults.isEmpty
            ? setting.help
            : "\(setting.help) Default: \(setting.defaults.joined(separator: ","))."
    }
}
