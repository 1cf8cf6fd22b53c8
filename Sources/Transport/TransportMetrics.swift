package import Metrics

/// What the server's connections count.
package final class TransportMetrics: Sendable {
    let accepted: Counter
    let refusedFull: Counter
    let refusedAddress: Counter
    let refusedStreams: Counter
    let agedConnections: Counter
    let slowHeaders: Counter
    let refusedHeaders: Counter
    let streamFaults: Counter
    let acceptFailures: Counter
    let streams: Counter
    let bytesReceived: Counter
    let bytesSent: Counter
    let protocolErrors: Counter
    let floods: Counter
    let handshakeTimeouts: Counter
    let stalledWrites: Counter
    let idleTimeouts: Counter
    let keepAliveTimeouts: Counter
    let handshakes: Counter
    let handshakeFailures: Counter

    package init(_ registry: Registry) {
        accepted = registry.counter(
            "bowerbird_connections_accepted_total",
            "Connections that were taken."
        )
        let refused = "bowerbird_connections_refused_total"
        let refusedHelp = "Connections that were closed at once, by reason."
        refusedFull = registry.counter(refused, refusedHelp, [("reason", "limit")])
        refusedAddress = registry.counter(refused, refusedHelp, [("reason", "address")])
        refusedStreams = registry.counter(
            "bowerbird_streams_refused_total",
            "Streams that were refused because their connection leaves its answers."
        )
        streamFaults = registry.counter(
            "bowerbird_stream_faults_total",
            "Streams that were reset because their peer broke the protocol."
        )
        acceptFailures = registry.counter(
            "bowerbird_accept_failures_total",
            "Times that no connection could be taken, mostly for want of file descriptors."
        )
        streams = registry.counter("bowerbird_streams_total", "HTTP/2 streams that peers opened.")
        bytesReceived = registry.counter("bowerbird_received_bytes_total", "Bytes read of peers.")
        bytesSent = registry.counter("bowerbird_sent_bytes_total", "Bytes written to peers.")
        let tls = "bowerbird_tls_handshakes_total"
        let tlsHelp = "TLS handshakes, by result."
        handshakes = registry.counter(tls, tlsHelp, [("result", "ok")])
        handshakeFailures = registry.counter(tls, tlsHelp, [("result", "failed")])
        func ended(_ reason: String) -> Counter {
            registry.counter(
                "bowerbird_connections_ended_total",
                "Connections that the server ended for what the peer did or failed to do, by "
                    + "reason.",
                [("reason", reason)]
            )
        }
        protocolErrors = ended("protocol_error")
        floods = ended("flood")
        handshakeTimeouts = ended("handshake_timeout")
        stalledWrites = ended("stalled_reader")
        idleTimeouts = ended("idle")
        keepAliveTimeouts = ended("keepalive")
        agedConnections = ended("age")
        slowHeaders = ended("slow_headers")
        refusedHeaders = registry.counter(
            "bowerbird_headers_refused_total",
            "Requests that were reset because their headers are too large."
        )
    }
}
