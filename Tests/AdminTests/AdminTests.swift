import Admin
import Metrics
import Primitives
import Testing
import Transport

@Suite
struct `The admin routes` {
    private func answer(_ path: String, readiness: String? = nil) -> HTTP1Answer {
        let registry = Registry()
        registry.counter("a_total", "A.").add(2)
        return AdminRoutes(registry: registry, readiness: { readiness })
            .answer(HTTP1Request(method: "GET", path: path, keepsAlive: true))
    }

    @Test(
        arguments: [
            ("/livez", 200, "alive\n"), ("/readyz", 200, "ready\n"),
            ("/metrics", 200, "# HELP a_total A.\n# TYPE a_total counter\na_total 2\n"),
            ("/version", 200, "{\"name\":\"bowerbird-server\",\"version\":\"\(Version.text)\"}\n"),
            ("/", 404, "there are /livez, /readyz, /metrics and /version\n"),
        ] as [(String, Int, String)]
    )
    func `answer`(path: String, status: Int, body: String) {
        #expect(answer(path).status == status)
        #expect(answer(path).body == body)
    }

    @Test
    func `say why the server is not ready`() {
        let refused = answer("/readyz", readiness: "draining")
        #expect(refused.status == 503)
        #expect(refused.body == "not ready: draining\n")
    }
}
