import Primitives

/// A client's connection on its reactor: HTTP/2 with prior knowledge, or by ALPN over TLS.
///
/// Confined to the reactor's thread.
package final class ClientTransport {
    private let connection: Connection
    private let reactor: Reactor
    private var isClosed = false

    /// Begins to connect; streams may be opened at once, their bytes wait for the connection.
    ///
    /// `onConnect` is called once when the connection stands, `onClose` once at its end, with the
    /// reason where there is one.
    package init(
        to address: SocketAddress,
        on reactor: Reactor,
        tls: ClientTLS? = nil,
        onConnect: @escaping () -> Void,
        onClose: @escaping (TransportError?) -> Void
    ) throws(TransportError) {
        let engine: TLSEngine? =
            if let tls { try TLSEngine(tls.context, serverName: tls.serverName) } else { nil }
        let descriptor = try SystemCalls.connect(address)
        self.reactor = reactor
        connection = Connection(
            descriptor,
            on: reactor,
            role: .client,
            isConnecting: true,
            peer: address,
            tls: engine
        )
        reactor.load.add(1)
        connection.onConnect = onConnect
        connection.onClose = { [weak self, unowned reactor] error in
            self?.isClosed = true
            reactor.load.add(-1)
            onClose(error)
        }
        connection.start()
    }

    /// Whether new streams can be opened.
    package var isOpen: Bool { !isClosed && !connection.session.isPeerGoingAway }

    /// A new stream; it goes out with its first `send(headers:)`.
    package func openStream(
        _ makeHandler: (any ByteStream) -> any ByteStreamHandler
    ) -> any ByteStream {
        connection.session.makeClientStream(makeHandler)
    }

    /// Ends the connection; running streams are told `cancel`.
    package func close() {
        connection.close(nil)
    }
}

/// What a client's connections share to speak TLS.
package struct ClientTLS: Sendable {
    let context: TLSContext
    let serverName: String

    /// Reads the files that `trust` names.
    package init(_ trust: TLSTrust) throws(TransportError) {
        context = try TLSContext(client: trust)
        serverName = trust.serverName
    }
}
