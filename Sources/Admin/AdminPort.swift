package import Metrics
package import Primitives
package import Transport

/// The port for operators: probes, metrics and the version, over HTTP/1.1 without secrets.
package final class AdminPort: Sendable {
    /// Why the server can't take calls now; `nil` when it can.
    package typealias Readiness = @Sendable () -> String?

    private let server: HTTP1Server

    package init(
        listening address: SocketAddress,
        registry: Registry,
        clock: any Clock = SystemClock(),
        readiness: @escaping Readiness
    ) throws(TransportError) {
        let routes = AdminRoutes(registry: registry, readiness: readiness)
        server = try HTTP1Server(listening: address, clock: clock) { routes.answer($0) }
    }

    package var boundAddress: SocketAddress { server.boundAddress }

    package func stop() {
        server.stop()
    }
}

/// What is at which path.
package struct AdminRoutes: Sendable {
    private let registry: Registry
    private let readiness: AdminPort.Readiness

    package init(registry: Registry, readiness: @escaping AdminPort.Readiness) {
        self.registry = registry
        self.readiness = readiness
    }

    package func answer(_ request: HTTP1Request) -> HTTP1Answer {
        switch request.path {
        case "/livez":
            HTTP1Answer(status: 200, body: "alive\n")
        case "/readyz":
            if let reason = readiness() {
                HTTP1Answer(status: 503, body: "not ready: \(reason)\n")
            } else {
                HTTP1Answer(status: 200, body: "ready\n")
            }
        case "/metrics":
            HTTP1Answer(status: 200, contentType: Registry.contentType, body: registry.text())
        case "/version":
            HTTP1Answer(
                status: 200,
                contentType: "application/json",
                body: "{\"name\":\"bowerbird-server\",\"version\":\"\(Version.text)\"}\n"
            )
        default:
            HTTP1Answer(status: 404, body: "there are /livez, /readyz, /metrics and /version\n")
        }
    }
}
