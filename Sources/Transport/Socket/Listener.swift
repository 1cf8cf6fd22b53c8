import Primitives

/// One listening socket, polled by one reactor.
///
/// SAFETY of `@unchecked`: mutable state is touched on that reactor's thread only.
final class Listener: Pollable, @unchecked Sendable {
    let boundAddress: SocketAddress
    private let descriptor: Int32
    private var token: UInt64 = 0
    private weak var reactor: Reactor?
    private var onAccept: ((Int32, SocketAddress?) -> Void)?
    private var isOpen = true
    /// Told when a connection can't be taken.
    var onFailure: (() -> Void)?

    init(_ address: SocketAddress) throws(TransportError) {
        descriptor = try SystemCalls.listen(address, backlog: Limits.listenBacklog)
        if case .unix = address {
            boundAddress = address
        } else {
            boundAddress = SystemCalls.localAddress(descriptor) ?? address
        }
    }

    deinit {
        if isOpen { SystemCalls.close(descriptor) }
    }

    func start(on reactor: Reactor, _ onAccept: @escaping (Int32, SocketAddress?) -> Void) {
        self.reactor = reactor
        self.onAccept = onAccept
        token = reactor.register(self, descriptor, writable: false)
    }

    func stop() {
        guard isOpen, let reactor else { return }
        isOpen = false
        reactor.unregister(descriptor, token: token)
        // Before it is closed: from then on another server may have the path.
        if case .unix(let path) = boundAddress { SystemCalls.remove(path) }
        SystemCalls.close(descriptor)
        onAccept = nil
    }

    func ready(isReadable: Bool, isWritable: Bool) {
        // A burst is taken in parts, so that open connections get their turn.
        for _ in 0..<64 {
            guard isOpen else { return }
            do throws(TransportError) {
                guard let (accepted, peer) = try SystemCalls.accept(descriptor) else { return }
                onAccept?(accepted, peer)
            } catch {
                // Out of descriptors: the backlog waits until connections have closed.
                onFailure?()
                pause()
                return
            }
        }
    }

    /// Looks again in a while, instead of spinning on a socket that stays readable.
    private func pause() {
        guard let reactor else { return }
        reactor.unregister(descriptor, token: token)
        _ = reactor.schedule(atNanoseconds: reactor.nowNanoseconds + 100_000_000) { [weak self] in
            guard let self, isOpen, let reactor = self.reactor else { return }
            token = reactor.register(self, descriptor, writable: false)
        }
    }

    func endOfTurn() {}
}
