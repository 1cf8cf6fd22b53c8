import Admin
import ArgumentParser
import Control
import Foundation
import Journal
import Logging
import Metrics
import Primitives
import RPC
import Resources
import Services
import Settings
import Transport

/// One running server, from its flags to its exit.
struct ServerProcess {
    private let settings: ServerSettings
    private let flags: ServerFlags
    private let logger: Logger
    private let metrics = Metrics.Registry()
    private let readiness = Readiness()
    private let controls: LiveControls
    private let log: LogControl

    init(_ settings: ServerSettings, _ flags: ServerFlags) {
        self.settings = settings
        self.flags = flags
        let log = LogControl()
        self.log = log
        // Standard output carries the ready line and nothing else.
        LoggingSystem.bootstrap { ServerLog(label: $0, control: log) }
        logger = Logger(label: Subsystem.server.label)
        controls = LiveControls(settings.live, log, metrics)
    }

    func run() throws {
        // Blocked before any thread starts, so that only `Signals.wait` sees them.
        Signals.block()
        Signals.endWhileStarting()
        startLog()
        defer { log.lines.flush() }
        Descriptors.takeAll(connectionsMax: settings.transport.connectionsMax, logger: logger)
        let access = try makeAccess()
        let certificates = try makeCertificates()
        // First, so that probes see a server that is recovering.
        let admin = try makeAdminPort()
        let core = try makeCore()
        var router = Router()
        core.addServices(to: &router, backups: try makeBackups(core))
        let health = addHealth(to: &router)
        let dispatcher = ServerDispatcher(
            router: router,
            interceptors: controls.interceptors(
                router,
                settings,
                access?.rules,
                core.groupOfTracker,
                metrics
            ),
            messageBytesMax: settings.messageBytesMax,
            receiveBudget: ReceiveBudget(bytesMax: settings.receiveBytesMax),
            processTag: UInt64.random(in: 1 ... .max),
            explain: { StatusMapping.refusal($0.code, $0.message, retryMS: $1) }
        )
        let transport = try makeTransport(certificates, dispatcher)
        readiness.serve(check: core.unreadiness)
        Signals.serve()
        announce(transport, admin)
        ServiceManager.tell(.ready)
        let signal = serve(certificates, access)
        Signals.endAtNext()
        ServiceManager.tell(.stopping)
        logger.info("draining", metadata: ["signal": "\(signal)"])
        readiness.drain()
        health.drain()
        let drained = DispatchSemaphore(value: 0)
        transport.drain(graceMS: settings.drainGraceMS) { drained.signal() }
        drained.wait()
        transport.stop()
        core.stop()
        admin?.stop()
        logger.info("stopped")
    }

    private func startLog() {
        let teller = ServerLog(label: Subsystem.server.label, control: log)
        log.lines.start { leftOut in
            teller.line(
                .warning,
                "lines were left out: nobody read them fast enough",
                ["lines": .stringConvertible(leftOut)]
            )
        }
        metrics.reading(
            "bowerbird_log_lines_left_out_total",
            "Lines of the log that had no room while nobody read them."
        ) { [log] in Double(log.lines.leftOut) }
    }

    /// Renews what changes, until a signal says that it is over.
    private func serve(_ certificates: Certificates?, _ access: Access?) -> Int32 {
        while true {
            switch Signals.wait(milliseconds: Limits.fileCheckMS) {
            case nil:
                certificates?.check()
                access?.check()
            case SIGHUP:
                certificates?.renew()
                access?.renew()
                readSettings()
            case let signal?: return signal
            }
        }
    }

    /// Reads the settings again and takes what a running server can take.
    private func readSettings() {
        do throws(SettingsError) {
            let new = try flags.read()
            controls.apply(new.live)
            for (old, value) in zip(settings.table.values, new.table.values)
            where old.values != value.values && !old.setting.isLive {
                logger.warning(
                    "setting takes effect at the next start",
                    metadata: ["setting": "\(value.setting.key)"]
                )
            }
            logger.notice("settings read")
        } catch {
            logger.error(
                "settings can't be read; the old ones stay",
                metadata: ["reason": "\(error.message)"]
            )
        }
    }

    private func makeCertificates() throws -> Certificates? {
        do throws(TransportError) {
            return try settings.tlsFiles.map { files throws(TransportError) in
                try Certificates(
                    files,
                    metrics: metrics,
                    logger: Logger(label: Subsystem.transport.label)
                )
            }
        } catch {
            throw ValidationError(error.message)
        }
    }

    private func address(_ text: String, _ flag: String) throws -> SocketAddress {
        do throws(TransportError) {
            return try SocketAddress(parsing: text)
        } catch {
            throw ValidationError("\(flag): \(error.message)")
        }
    }

    private func makeAccess() throws -> Access? {
        guard settings.tokenFile != nil || settings.tlsFiles?.clientCA != nil else { return nil }
        do throws(TransportError) {
            return try Access(file: settings.tokenFile, metrics: metrics, logger: logger)
        } catch {
            throw ValidationError("--token-file: \(error.message)")
        }
    }

    /// The admin port; `nil` for none.
    ///
    /// A port that was asked for must be had; the default one only if it is free.
    private func makeAdminPort() throws -> AdminPort? {
        ProcessMetrics.register(in: metrics)
        if let folder = settings.dataDirectory {
            ProcessMetrics.registerDisk(of: folder, in: metrics)
        }
        if settings.adminListen == "-" { return nil }
        let asked = settings.adminListen
        let address = try address(asked ?? "127.0.0.1:9464", "--admin-listen")
        do throws(TransportError) {
            return try AdminPort(listening: address, registry: metrics) { [readiness] in
                readiness.reason
            }
        } catch {
            if asked != nil { throw ValidationError("--admin-listen: \(error.message)") }
            logger.warning("no admin port", metadata: ["reason": "\(error.message)"])
            return nil
        }
    }

    private func makeTransport(
        _ certificates: Certificates?,
        _ dispatcher: ServerDispatcher
    ) throws -> ServerTransport {
        let transport = try ServerTransport(
            listening: settings.listen,
            reactorCount: settings.reactors ?? ProcessInfo.processInfo.activeProcessorCount,
            tls: certificates?.identity,
            settings: settings.transport,
            logger: Logger(label: Subsystem.transport.label),
            metrics: TransportMetrics(metrics)
        ) { _ in dispatcher.makeAcceptor() }
        metrics.reading("bowerbird_connections", "Open connections.") { [weak transport] in
            Double(transport?.connectionCount ?? 0)
        }
        metrics.reading("bowerbird_calls_in_flight", "Calls that have begun and not ended.") {
            Double(dispatcher.callsInFlight)
        }
        metrics.reading(
            "bowerbird_unfinished_message_bytes",
            "Bytes that are held of messages which have not come as a whole."
        ) { Double(dispatcher.receiveBudget.bytesHeld) }
        return transport
    }

    private func addHealth(to router: inout Router) -> HealthService {
        let names = router.serviceNames
        let health = HealthService(services: names)
        health.add(to: &router)
        ReflectionService(
            services: names + [
                "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection",
            ]
        ).add(to: &router)
        return health
    }

    private func makeJobSettings() throws -> JobSettings {
        let temporary = FileManager.default.temporaryDirectory.path
        let folder = settings.dataDirectory ?? "\(temporary)/bowerbird-\(getpid())"
        do throws(Refusal) {
            return JobSettings(
                importRoots: try FileRoots(settings.importRoots, flag: "--import-root"),
                exportRoots: try FileRoots(settings.exportRoots, flag: "--export-root"),
                uploads: folder + (settings.dataDirectory == nil ? "-uploads" : "/uploads")
            )
        } catch {
            throw ValidationError(error.message)
        }
    }

    private func makeCore() throws -> ServerCore {
        let place: Journal.Place =
            settings.dataDirectory.map { .directory($0) } ?? .memory
        let jobSettings = try makeJobSettings()
        do throws(JournalError) {
            return try ServerCore(
                place,
                filterQuotas: settings.filterQuotas,
                groupQuotas: settings.groupQuotas,
                durability: settings.durability,
                memoryBudget: settings.memoryBudget,
                jobSettings: jobSettings,
                recordLimits: settings.recordLimits,
                metrics: metrics
            )
        } catch {
            throw ValidationError(error.message)
        }
    }

    private func makeBackups(_ core: ServerCore) throws -> Backups {
        if case .delayed(let milliseconds) = settings.durability {
            logger.warning(
                "writes are acknowledged before they are on disk",
                metadata: [
                    "durability": "async",
                    "power_cut_may_lose_ms": "\(milliseconds)",
                ]
            )
        }
        do throws(Refusal) {
            return try core.backups(in: settings.backupRoot)
        } catch {
            throw ValidationError(error.message)
        }
    }

    private func announce(_ transport: ServerTransport, _ admin: AdminPort?) {
        let addresses = transport.boundAddresses.map(\.description).joined(separator: ",")
        let adminAddress = admin?.boundAddress.description ?? "-"
        FileHandle.standardOutput.write(
            Data("ready grpc=\(addresses) admin=\(adminAddress)\n".utf8)
        )
    }
}
