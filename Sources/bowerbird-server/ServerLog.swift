import Foundation
import Logging

/// The server's log on standard error: one line an event, at levels and in a form that can change.
struct ServerLog: LogHandler {
    private let label: String
    private let control: LogControl
    private let threshold: LogControl.Threshold
    var metadata: Logger.Metadata = [:]

    init(label: String, control: LogControl) {
        self.label = label
        self.control = control
        threshold = control.threshold(label: label)
    }

    var logLevel: Logger.Level {
        get { threshold.level }
        // A subsystem has one level; a logger can't have another.
        set {}  // swift-format-ignore
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
        control.lines.add(line(event.level, "\(event.message)", fields))
    }

    /// A line with its newline.
    func line(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata) -> String {
        var fields: [(String, LogValue)] = [
            ("time", .text(Date().formatted(.iso8601.time(includingFractionalSeconds: true)))),
            ("level", .text("\(level)")),
            ("logger", .text(label)),
            ("msg", .text(message)),
        ]
        fields += metadata.sorted { $0.key < $1.key }.map { ($0.key, LogValue($0.value)) }
        return switch control.format {
        case .logfmt: fields.map { "\($0)=\($1.logfmt)" }.joined(separator: " ") + "\n"
        case .json: "{" + fields.map { "\"\($0)\":\($1.json)" }.joined(separator: ",") + "}\n"
        }
    }
}

/// A value of a line: a number, or text that may come from a peer.
enum LogValue {
    case number(String)
    case text(String)

    init(_ value: Logger.MetadataValue) {
        if case .stringConvertible(let number) = value, number is any BinaryInteger {
            self = .number("\(number)")
        } else {
            self = .text("\(value)")
        }
    }

    /// As it is, or in quotation marks when a reader of fields would stumble.
    var logfmt: String {
        guard case .text(let text) = self else { return json }
        let isPlain =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy {
                $0.value > 0x20 && $0 != "\"" && $0 != "=" && $0 != "\\" && $0.value != 0x7F
            }
        return isPlain ? text : json
    }

    /// A peer's text must not begin a line or move a terminal's cursor, so control characters are
    /// spelt out.
    var json: String {
        switch self {
        case .number(let digits): return digits
        case .text(let text):
            var quoted = "\""
            for scalar in text.unicodeScalars {
                switch scalar {
                case "\"": quoted += "\\\""
                case "\\": quoted += "\\\\"
                case "\n": quoted += "\\n"
                case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value):
                    let hex = String(scalar.value, radix: 16)
                    quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                default: quoted.unicodeScalars.append(scalar)
                }
            }
            return quoted + "\""
        }
    }
}
