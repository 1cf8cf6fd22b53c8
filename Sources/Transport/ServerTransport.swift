package import Logging
import Metrics
package import Primitives
import Synchronization

/// The listening side: addresses, an acceptor, reactors with their connections.
package final class ServerTransport: Sendable {
    package typealias MakeAcceptor = @Sendable (any EventLoop) -> any StreamAcceptor

    private let reactors: ReactorGroup
    private let listeners: [Listener]
    private let tls: TLSIdentity?
    private let settings: TransportSettings
    private let addresses = AddressCounter()
    private let unsent = UnsentBudget()
    private let logger: Logger
    private let metrics: TransportMetrics?
    /// The connections of each reactor; a set is touched on its reactor's thread only.
    private let rosters: [Roster]
    private let isDraining = Atomic<Bool>(false)
    private let nextConnectionID = Atomic<UInt64>(1)

    /// Binds every address and begins to accept.
    ///
    /// - Throws: `TransportError` when an address can't be had; nothing is left behind.
    package init(
        listening addresses: [SocketAddress],
        reactorCount: Int,
        clock: any Clock = SystemClock(),
        tls: TLSIdentity? = nil,
        settings: TransportSettings = TransportSettings(),
        logger: Logger,
        metrics: TransportMetrics? = nil,
        makeAcceptor: @escaping MakeAcceptor
    ) throws(TransportError) {
        var listeners: [Listener] = []
        for address in addresses { listeners.append(try Listener(address)) }
        self.listeners = listeners
        self.tls = tls
        self.settings = settings
        self.logger = logger
        self.metrics = metrics
        reactors = try ReactorGroup(count: reactorCount, name: "reactor", clock: clock)
        rosters = (0..<reactorCount).map { _ in Roster() }
        for (index, roster) in rosters.enumerated() {
            reactors.post(index) { roster.acceptor = makeAcceptor($0) }
        }
        for listener in listeners {
            reactors.post(0) { [weak self] reactor in
                let isUnix = if case .unix = listener.boundAddress { true } else { false }
                listener.onFailure = { metrics?.acceptFailures.add() }
                listener.start(on: reactor) { descriptor, peer in
                    self?.adopt(descriptor, isUnix ? nil : peer, isSecured: !isUnix)
                }
            }
        }
    }

    /// Where it listens, with the ports that the kernel picked.
    package var boundAddresses: [SocketAddress] { listeners.map(\.boundAddress) }

    package var connectionCount: Int { reactors.connectionCount }

    /// On the acceptor's reactor: hands a new connection to the reactor that has the fewest.
    ///
    /// TLS is for what leaves the machine, not for Unix sockets.
    private func adopt(_ descriptor: Int32, _ peer: SocketAddress?, isSecured: Bool) {
        guard !isDraining.load(ordering: .relaxed), connectionCount < settings.connectionsMax else {
            metrics?.refusedFull.add()
            return SystemCalls.close(descriptor)
        }
        guard let calls = addresses.add(peer, max: settings.connectionsPerAddressMax) else {
            metrics?.refusedAddress.add()
            return SystemCalls.close(descriptor)
        }
        metrics?.accepted.add()
        SystemCalls.noDelay(descriptor)
        SystemCalls.keepAlive(descriptor)
        let index = reactors.leastLoaded
        reactors.reserve(index)
        let id = nextConnectionID.add(1, ordering: .relaxed).newValue
        let roster = rosters[index]
        let context = isSecured ? tls?.current : nil
        reactors.post(index) { [metrics, settings, addresses, unsent] reactor in
            guard let acceptor = roster.acceptor,
                case .success(let engine) = Self.engine(context)
            else {
                reactor.load.add(-1)
                addresses.remove(peer)
                return SystemCalls.close(descriptor)
            }
            let connection = Connection(
                descriptor,
                on: reactor,
                role: .server(acceptor),
                isConnecting: false,
                peer: peer,
                tls: engine,
                settings: settings,
                metrics: metrics,
                shared: ConnectionShare(budget: unsent, originCalls: calls)
            )
            connection.onClose = { [unowned reactor] _ in
                roster.connections[id] = nil
                reactor.load.add(-1)
                addresses.remove(peer)
            }
            roster.connections[id] = connection
            connection.start()
        }
    }

    /// The TLS of one connection, if it has any.
    private static func engine(_ context: TLSContext?) -> Result<TLSEngine?, TransportError> {
        guard let context else { return .success(nil) }
        do throws(TransportError) {
            return .success(try TLSEngine(context))
        } catch {
            return .failure(error)
        }
    }

    /// Takes no new connections and tells every peer to go.
    ///
    /// Calls `done` on a reactor's thread when the last has gone or the grace is over.
    package func drain(graceMS: Int = Limits.drainGraceMS, done: @escaping @Sendable () -> Void) {
        isDraining.store(true, ordering: .relaxed)
        for listener in listeners { reactors.post(0) { _ in listener.stop() } }
        for (index, roster) in rosters.enumerated() {
            reactors.post(index) { _ in
                for connection in roster.connections.values { connection.drain() }
            }
        }
        reactors.post(0) { [weak self] reactor in
            let end = reactor.nowNanoseconds + UInt64(graceMS) * 1_000_000
            self?.waitUntilEmpty(on: reactor, until: end, done)
        }
    }

    private func waitUntilEmpty(
        on reactor: Reactor,
        until end: UInt64,
        _ done: @escaping @Sendable () -> Void
    ) {
        if connectionCount == 0 || reactor.nowNanoseconds >= end { return done() }
        let next = reactor.nowNanoseconds + 10_000_000
        _ = reactor.schedule(atNanoseconds: next) { [weak self, unowned reactor] in
            self?.waitUntilEmpty(on: reactor, until: end, done)
        }
    }

    /// Closes everything that is still open and ends the threads.
    ///
    /// Not from a reactor's thread.
    package func stop() {
        for (index, roster) in rosters.enumerated() {
            reactors.post(index) { _ in
                for connection in roster.connections.values { connection.close(nil) }
                roster.acceptor = nil
            }
        }
        for listener in listeners { reactors.post(0) { _ in listener.stop() } }
        reactors.stop()
    }
}

/// What one reactor of a server holds.
///
/// SAFETY of `@unchecked`: touched by closures posted to that reactor only.
private final class Roster: @unchecked Sendable {
    var acceptor: (any StreamAcceptor)?
    var connections: [UInt64: Connection] = [:]
}
