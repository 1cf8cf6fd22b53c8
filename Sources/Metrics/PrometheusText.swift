/// Prometheus' text exposition format, version 0.0.4.
struct PrometheusText {
    private(set) var text = ""

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    mutating func append(_ name: String, _ family: Registry.Family) {
        text += "# HELP \(name) \(family.help)\n# TYPE \(name) \(family.kind.rawValue)\n"
        for series in family.series.sorted(by: { $0.labels < $1.labels }) {
            switch series.source {
            case .counter(let counter): line(name, series.labels, "\(counter.value)")
            case .gauge(let gauge): line(name, series.labels, "\(gauge.value)")
            case .reading(let read): line(name, series.labels, Self.number(read()))
            case .histogram(let histogram): append(name, series.labels, histogram)
            }
        }
    }

    private mutating func append(_ name: String, _ labels: String, _ histogram: Histogram) {
        let snapshot = histogram.snapshot
        let scale = histogram.bounds.unitsPerShown
        let prefix = labels.isEmpty ? "" : labels + ","
        var cumulative: UInt64 = 0
        for (index, upper) in histogram.bounds.upper.enumerated() {
            cumulative += snapshot.buckets[index]
            let bound = Self.number(Double(upper) / scale)
            line(name + "_bucket", prefix + "le=\"\(bound)\"", "\(cumulative)")
        }
        line(name + "_bucket", prefix + "le=\"+Inf\"", "\(snapshot.count)")
        line(name + "_sum", labels, Self.number(Double(snapshot.sum) / scale))
        line(name + "_count", labels, "\(snapshot.count)")
    }

    private mutating func line(_ name: String, _ labels: String, _ value: String) {
        text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }

    /// Whole numbers without a fraction.
    private static func number(_ value: Double) -> String {
        value.rounded() == value && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    static func escaped(_ value: String) -> String {
        var text = ""
        for character in value {
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.append(character)
            }
        }
        return text
    }
}

extension Registry {
    /// The `content-type` of `text()`.
    package static var contentType: String { PrometheusText.contentType }
}
