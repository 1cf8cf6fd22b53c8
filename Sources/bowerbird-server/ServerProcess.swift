import Admin
import ArgumentParser
import Foundation
import Journal
import Logging
import Metrics
import Primitives
import RPC
import Services
import Transport

/// One running server, from its flags to its exit.
struct ServerProcess {
    private let options: ServerOptions
    private let logger: Logger
    private let metrics = Metrics.Registry()
    private let readiness = Readiness()

    init(_ options: ServerOptions) {
        self.options = options
        // Standard output carries the ready line and nothing else.
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        logger = Logger(label: "bowerbird")
    }

    func run() throws {
        // Blocked before any thread starts, so that only `Signals.wait` sees them.
        Signals.block()
        let addresses = try options.listen.map { try address($0, "--listen") }
        try options.checkNetwork(addresses)
        let access = try makeAccess()
        let certificates = try options.tlsFiles.map { files in
            do throws(TransportError) {
                return try Certificates(files, metrics: metrics, logger: logger)
            } catch {
                throw ValidationError(error.message)
            }
        }
        // First, so that probes see a server that is recovering.
        let admin = try makeAdminPort()
        let core = try makeCore()
        var router = Router()
        core.addServices(to: &router)
        let health = addHealth(to: &router)
        let dispatcher = ServerDispatcher(
            router: router,
            interceptors: interceptors(router, core, access?.rules),
            processTag: UInt64.random(in: 1 ... .max)
        )
        let transport = try makeTransport(addresses, certificates, dispatcher)
        readiness.serve(check: core.unreadiness)
        announce(transport, admin)
        let signal = serve(certificates, access)
        Signals.endAtNext()
        logger.info("draining", metadata: ["signal": "\(signal)"])
        readiness.drain()
        health.drain()
        let drained = DispatchSemaphore(value: 0)
        transport.drain { drained.signal() }
        drained.wait()
        transport.stop()
        core.stop()
        admin?.stop()
        logger.info("stopped")
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
            case let signal?: return signal
            }
        }
    }

    private func interceptors(
        _ router: Router,
        _ core: ServerCore,
        _ rules: AccessRules?
    ) -> [any Interceptor] {
        let table = MethodAccessTable(
            health: options.healthAccess,
            reflection: options.reflectionAccess,
            group: core.groupOfTracker
        )
        let access = AccessControl(
            rules: rules,
            access: table.access,
            router: router,
            logger: Logger(label: "bowerbird.audit"),
            metrics: metrics,
            refuse: StatusMapping.refusal
        )
        let log: [any Interceptor] =
            options.accessLog ? [AccessLog(logger: logger, level: .info)] : []
        return log + [CallMetrics(metrics, router: router), AdmissionControl(), access]
    }

    private func address(_ text: String, _ flag: String) throws -> SocketAddress {
        do throws(TransportError) {
            return try SocketAddress(parsing: text)
        } catch {
            throw ValidationError("\(flag): \(error.message)")
        }
    }

    private func makeAccess() throws -> Access? {
        guard options.tokenFile != nil || options.tlsClientCA != nil else { return nil }
        do throws(TransportError) {
            return try Access(file: options.tokenFile, metrics: metrics, logger: logger)
        } catch {
            throw ValidationError("--token-file: \(error.message)")
        }
    }

    /// The admin port; `nil` for none.
    ///
    /// A port that was asked for must be had; the default one only if it is free.
    private func makeAdminPort() throws -> AdminPort? {
        ProcessMetrics.register(in: metrics)
        if options.adminListen == "-" { return nil }
        let asked = options.adminListen
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
        _ addresses: [SocketAddress],
        _ certificates: Certificates?,
        _ dispatcher: ServerDispatcher
    ) throws -> ServerTransport {
        let transport = try ServerTransport(
            listening: addresses,
            reactorCount: options.reactors ?? ProcessInfo.processInfo.activeProcessorCount,
            tls: certificates?.identity,
            logger: logger,
            metrics: TransportMetrics(metrics)
        ) { _ in dispatcher.makeAcceptor() }
        metrics.reading("bowerbird_connections", "Open connections.") { [weak transport] in
            Double(transport?.connectionCount ?? 0)
        }
        metrics.reading("bowerbird_calls_in_flight", "Calls that have begun and not ended.") {
            Double(dispatcher.callsInFlight)
        }
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

    private func makeCore() throws -> ServerCore {
        let place: Journal.Place =
            options.dataDirectory.map { .directory($0) } ?? .memory
        do throws(JournalError) {
            return try ServerCore(place, metrics: metrics, logger: logger)
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
