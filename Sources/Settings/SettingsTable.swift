/// One thing that can be set, by flag, environment, file, or not at all.
package struct Setting: Hashable, Sendable {
    /// As in the file and, behind `--`, as a flag.
    package var key: String
    /// For people: what it is, its unit and bounds.
    package var help: String
    /// What holds when nobody sets it; empty for nothing.
    package var defaults: [String]
    /// Whether a running server takes another value on SIGHUP.
    package var isLive: Bool

    package init(_ key: String, _ help: String, defaults: [String] = [], isLive: Bool = false) {
        self.key = key
        self.help = help
        self.defaults = defaults
        self.isLive = isLive
    }

    /// `BOWERBIRD_TLS_KEY` for `tls-key`.
    package var variable: String {
        "BOWERBIRD_" + key.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }
}

/// Where a value came from.
package enum SettingSource: Hashable, Sendable, CustomStringConvertible {
    case flag
    case environment(String)
    case file(String, line: Int)
    case fallback

    package var description: String {
        switch self {
        case .flag: "flag"
        case .environment(let variable): "environment, \(variable)"
        case .file(let path, let line): "\(path), line \(line)"
        case .fallback: "default"
        }
    }
}

/// A setting with its value.
package struct SettingValue: Hashable, Sendable {
    package let setting: Setting
    package let values: [String]
    package let source: SettingSource

    /// The last value; `nil` for none, and for one that is empty.
    package var text: String? { values.last.flatMap { $0.isEmpty ? nil : $0 } }

    package func refuse(_ reason: String) -> SettingsError {
        SettingsError("\(setting.key) (\(source)): \(reason)")
    }

    package func bool() throws(SettingsError) -> Bool {
        switch text {
        case nil, "false", "no", "off", "0": false
        case "true", "yes", "on", "1": true
        case let other?: throw refuse("'\(other)' is neither true nor false")
        }
    }

    /// A whole number within bounds; `nil` when nothing is set.
    package func integer(_ range: ClosedRange<Int>) throws(SettingsError) -> Int? {
        guard let text else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw refuse(
                "'\(text)' is no whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }
}

/// All settings of a program with their values: flags over environment over file over defaults.
package struct SettingsTable: Sendable {
    package let values: [SettingValue]
    private let byKey: [String: Int]

    /// - Parameters:
    ///   - settings: All there are.
    ///   - flags: By key; a key without values was not given.
    ///   - environment: The process's; variables of other names are not ours.
    ///   - file: The file's path and content, if there is one.
    /// - Throws: `SettingsError` for a key or variable that no setting has, with the nearest name.
    package init(
        _ settings: [Setting],
        flags: [String: [String]],
        environment: [String: String],
        file: (path: String, content: SettingsFile)?
    ) throws(SettingsError) {
        let keys = settings.map(\.key)
        for entry in file?.content.entries ?? [] where !keys.contains(entry.key) {
            throw SettingsError(
                "\(file?.path ?? ""), line \(entry.line): unknown setting '\(entry.key)'"
                    + Self.suggestion(entry.key, keys)
            )
        }
        var values: [SettingValue] = []
        for setting in settings {
            if let given = flags[setting.key], !given.isEmpty {
                values.append(SettingValue(setting: setting, values: given, source: .flag))
            } else if let text = environment[setting.variable] {
                values.append(
                    SettingValue(
                        setting: setting,
                        values: text.split(separator: ",").map(String.init),
                        source: .environment(setting.variable)
                    )
                )
            } else if let file,
                let entry = file.content.entries.first(where: {
                    $0.key == setting.key
                })
            {
                values.append(
                    SettingValue(
                        setting: setting,
                        values: entry.values,
                        source: .file(file.path, line: entry.line)
                    )
                )
            } else {
                values.append(
                    SettingValue(setting: setting, values: setting.defaults, source: .fallback)
                )
            }
        }
        self.values = values
        byKey = Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($1, $0) })
    }

    /// A setting by its key, which is the program's own.
    package subscript(key: String) -> SettingValue {
        guard let index = byKey[key] else { preconditionFailure("no setting '\(key)'") }
        return values[index]
    }

    /// Each value and where it came from, as a file that could be read again.
    package var listing: String {
        values.map { value in
            let text =
                value.values.count > 1
                ? "[" + value.values.map(Self.scalar).joined(separator: ", ") + "]"
                : Self.scalar(value.values.first ?? "")
            return "\(value.setting.key): \(text)  # \(value.source)\n"
        }.joined()
    }

    private static func scalar(_ text: String) -> String {
        let plain = text.allSatisfy { $0.isLetter || $0.isNumber || "-_./".contains($0) }
        let isPlain =
            plain && text.first.map { $0.isLetter || $0.isNumber || "./".contains($0) } ?? false
        return isPlain
            ? text
            : "'"
                + text.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "''") + "'"
    }

    /// What was probably meant.
    package static func suggestion(_ key: String, _ keys: [String]) -> String {
        let folded = String(key.lowercased().map { $0 == "_" ? "-" : $0 })
        let nearest = keys.map { ($0, distance(folded, $0)) }.min { $0.1 < $1.1 }
        guard let nearest, nearest.1 <= max(2, nearest.0.count / 3) else { return "" }
        return "; did you mean '\(nearest.0)'?"
    }

    /// Letters to insert, delete or replace; O(left × right), both short.
    private static func distance(_ left: String, _ right: String) -> Int {
        let other = Array(right)
        var row = Array(0...other.count)
        for (index, letter) in left.prefix(64).enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in other.indices {
                let replaced = diagonal + (letter == other[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, row[column] + 1, diagonal + 1)
            }
        }
        return row[other.count]
    }
}
