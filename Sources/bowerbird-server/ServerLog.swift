import Foundation
import Logging
import Synchronization

/// The server's log on standard error: one line of `key=value` each, at a level that can change.
struct ServerLog: LogHandler {
    /// Shared by every logger of the process.
    final class Threshold: Sendable {
        private let level = Mutex(Logger.Level.info)

        var current: Logger.Level { level.withLock { $0 } }

        func set(_ newLevel: Logger.Level) {
            level.withLock { $0 = newLevel }
        }
    }

    let label: String
    let threshold: Threshold
    var metadata: Logger.Metadata = [:]

    var logLevel: Logger.Level {
        get { threshold.current }
        // The process has one level; a logger can't have another.
        set {}  // swift-format-ignore
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
            .sorted { $0.key < $1.key }
            .map { " \($0.key)=\(Self.quoted("\($0.value)"))" }
        let time = Date().formatted(.iso8601.time(includingFractionalSeconds: true))
        let line =
            "time=\(time) level=\(event.level) logger=\(label) "
            + "msg=\(Self.quoted("\(event.message)"))\(fields.joined())\n"
        FileHandle.standardError.write(Data(line.utf8))
    }

    /// As it is, or in quotation marks when a reader of fields would stumble.
    private static func quoted(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy {
                $0.value > 0x20 && $0 != "\"" && $0 != "=" && $0 != "\\" && $0.value != 0x7F
            }
        if isPlain { return text }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            // A peer's text must not begin a line or move a terminal's cursor.
            case _ where scalar.value < 0x20 || scalar.value == 0x7F: quoted += "?"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
