import Logging
import Settings
import Synchronization

/// Which part of the server a line of the log comes from.
enum Subsystem: String, CaseIterable {
    case server, transport, journal, serving, training, jobs, access, slow, audit

    /// The label of its logger.
    var label: String { self == .server ? "bowerbird" : "bowerbird.\(rawValue)" }

    /// All of them, for people.
    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

/// How a line is written.
enum LogFormat: String {
    case logfmt, json
}

/// From which level on each subsystem is heard.
struct LogLevels: Equatable {
    private let general: Logger.Level
    private let own: [Subsystem: Logger.Level]

    /// Reads `LEVEL` for all and `SUBSYSTEM=LEVEL` for one; the last word counts.
    init(_ value: SettingValue) throws(SettingsError) {
        var general = Logger.Level.info
        var own: [Subsystem: Logger.Level] = [:]
        for entry in value.values.flatMap({ $0.split(separator: ",") }) {
            let parts = entry.split(separator: "=", maxSplits: 1)
            let text = parts.last.map(String.init) ?? ""
            guard let level = Logger.Level(rawValue: text) else {
                throw value.refuse("'\(text)' is no level; \(value.setting.help)")
            }
            if parts.count == 1 {
                general = level
            } else if let subsystem = Subsystem(rawValue: String(parts[0])) {
                own[subsystem] = level
            } else {
                throw value.refuse("no subsystem '\(parts[0])'; there are \(Subsystem.names)")
            }
        }
        self.general = general
        self.own = own
    }

    subscript(subsystem: Subsystem) -> Logger.Level { own[subsystem] ?? general }
}

/// What every logger of the process looks at, and the settings change.
final class LogControl: Sendable {
    /// From which level on one subsystem is heard; asked on request paths, so without a lock.
    final class Threshold: Sendable {
        private let index = Atomic<Int>(Threshold.index(of: .info))

        var level: Logger.Level {
            get { Logger.Level.allCases[index.load(ordering: .relaxed)] }
            set { index.store(Self.index(of: newValue), ordering: .relaxed) }
        }

        private static func index(of level: Logger.Level) -> Int {
            Logger.Level.allCases.firstIndex(of: level) ?? 0
        }
    }

    private let thresholds: [Subsystem: Threshold]
    private let writesJSON = Atomic<Bool>(false)
    /// Where the lines go.
    let lines = LogLines()

    init() {
        thresholds = Dictionary(
            uniqueKeysWithValues: Subsystem.allCases.map { ($0, Threshold()) }
        )
    }

    var format: LogFormat { writesJSON.load(ordering: .relaxed) ? .json : .logfmt }

    func set(_ format: LogFormat, _ levels: LogLevels) {
        writesJSON.store(format == .json, ordering: .relaxed)
        for (subsystem, threshold) in thresholds { threshold.level = levels[subsystem] }
    }

    /// That of a logger's subsystem; of the server's for a label that is nobody's.
    func threshold(label: String) -> Threshold {
        let subsystem = Subsystem.allCases.first { $0.label == label } ?? .server
        guard let threshold = thresholds[subsystem] else {
            preconditionFailure("no threshold of \(subsystem)")
        }
        return threshold
    }
}
