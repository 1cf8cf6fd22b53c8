import ArgumentParser
import Foundation
import Journal
import Logging
import Primitives
import RPC
import Services
import Transport

/// One running server, from its flags to its exit.
struct ServerProcess {
    private let options: ServerOptions
    private let logger: Logger

    init(_ options: ServerOptions) {
        self.options = options
        // Standard output carries the ready line and nothing else.
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        logger = Logger(label: "bowerbird")
    }

    func run() throws {
        // Blocked before any thread starts, so that only `Signals.wait` sees them.
        Signals.block()
        let addresses = try options.listen.map { text in
            do throws(TransportError) {
                return try SocketAddress(parsing: text)
            } catch {
                throw ValidationError("--listen: \(error.message)")
            }
        }
        try refuseOpenNetwork(addresses)
        let core = try makeCore()
        var router = Router()
        core.addServices(to: &router)
        let health = addHealth(to: &router)
        let dispatcher = ServerDispatcher(
            router: router,
            interceptors: interceptors,
            processTag: UInt64.random(in: 1 ... .max)
        )
        let transport = try ServerTransport(
            listening: addresses,
            reactorCount: options.reactors ?? ProcessInfo.processInfo.activeProcessorCount,
            logger: logger
        ) { _ in dispatcher.makeAcceptor() }
        announce(transport)
        let signal = Signals.wait()
        logger.info("draining", metadata: ["signal": "\(signal)"])
        health.drain()
        let drained = DispatchSemaphore(value: 0)
        transport.drain { drained.signal() }
        drained.wait()
        transport.stop()
        core.stop()
        logger.info("stopped")
    }

    private var interceptors: [any Interceptor] {
        let admission = AdmissionControl()
        return options.accessLog
            ? [AccessLog(logger: logger, level: .info), admission] : [admission]
    }

    /// Everybody on the network could read and write: not without tokens, which come later.
    private func refuseOpenNetwork(_ addresses: [SocketAddress]) throws {
        for address in addresses where !address.isLoopback {
            throw ValidationError(
                "--listen \(address): this version has no authentication, so it listens on "
                    + "loopback addresses and unix sockets only"
            )
        }
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
            return try ServerCore(place, logger: logger)
        } catch {
            throw ValidationError(error.message)
        }
    }

    private func announce(_ transport: ServerTransport) {
        let addresses = transport.boundAddresses.map(\.description).joined(separator: ",")
        FileHandle.standardOutput.write(Data("ready grpc=\(addresses) admin=-\n".utf8))
    }
}
