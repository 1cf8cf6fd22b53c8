import Primitives
import Synchronization

/// All metrics of a process, by name; made when the parts of the server are wired together.
///
/// Labels come from the program (method names, status names), never from a peer, so the number of
/// series is bounded by the code.
package final class Registry: Sendable {
    package typealias Labels = [(name: String, value: String)]

    enum Source: Sendable {
        case counter(Counter)
        case gauge(Gauge)
        case reading(@Sendable () -> Double)
        case histogram(Histogram)
    }

    enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    struct Series: Sendable {
        /// As `name="value"`, joined by commas; empty for none.
        let labels: String
        let source: Source
    }

    struct Family: Sendable {
        let help: String
        let kind: Kind
        var series: [Series]
    }

    private let families = Mutex<[String: Family]>([:])

    package init() {}

    /// A counter under a name by Prometheus' rules, which ends in `_total`, with one sentence for
    /// operators.
    package func counter(_ name: String, _ help: String, _ labels: Labels = []) -> Counter {
        precondition(name.hasSuffix("_total"), "a counter's name ends in _total")
        let counter = Counter()
        add(name, help, .counter, labels, .counter(counter))
        return counter
    }

    package func gauge(_ name: String, _ help: String, _ labels: Labels = []) -> Gauge {
        let gauge = Gauge()
        add(name, help, .gauge, labels, .gauge(gauge))
        return gauge
    }

    /// A gauge that is asked when it is scraped, on the scraper's thread.
    package func reading(
        _ name: String,
        _ help: String,
        _ labels: Labels = [],
        _ read: @escaping @Sendable () -> Double
    ) {
        add(name, help, name.hasSuffix("_total") ? .counter : .gauge, labels, .reading(read))
    }

    package func histogram(
        _ name: String,
        _ help: String,
        _ bounds: Histogram.Bounds,
        _ labels: Labels = []
    ) -> Histogram {
        let histogram = Histogram(bounds)
        add(name, help, .histogram, labels, .histogram(histogram))
        return histogram
    }

    /// Shows a histogram that was made before.
    package func add(
        _ histogram: Histogram,
        _ name: String,
        _ help: String,
        _ labels: Labels = []
    ) {
        add(name, help, .histogram, labels, .histogram(histogram))
    }

    private func add(
        _ name: String,
        _ help: String,
        _ kind: Kind,
        _ labels: Labels,
        _ source: Source
    ) {
        let text = labels.map { "\($0.name)=\"\(PrometheusText.escaped($0.value))\"" }
            .joined(separator: ",")
        families.withLock { families in
            var family = families[name] ?? Family(help: help, kind: kind, series: [])
            precondition(family.kind == kind, "one name, one kind: \(name)")
            precondition(
                !family.series.contains { $0.labels == text },
                "two series \(name){\(text)}"
            )
            family.series.append(Series(labels: text, source: source))
            families[name] = family
        }
    }

    /// Everything in Prometheus' text format, sorted by name.
    package func text() -> String {
        let families = families.withLock { $0 }
        var text = PrometheusText()
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text.append(name, family)
        }
        return text.text
    }
}
