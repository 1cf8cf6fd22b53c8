import Primitives
import Synchronization

/// What the events of one history carry beyond item, type and time, parallel to its entries.
///
/// Filters ask for it, so it must be in memory; most histories have none of it, and then it costs
/// nothing: each part exists from the first event that has it. A value takes 8 bytes an entry
/// (exact, as the client gave it), own columns take 4: a code of the group's `EventPropertyTable`.
struct HistoryDetails {
    /// NaN is none; empty while no event has a value.
    private(set) var values: [Double] = []
    /// 0 is none; empty while no event has own columns.
    private(set) var properties: [UInt32] = []

    var byteCount: Int {
        (values.isEmpty ? 0 : 32 + values.capacity * 8)
            + (properties.isEmpty ? 0 : 32 + properties.capacity * 4)
    }

    func value(at index: Int) -> Double { values.isEmpty ? .nan : values[index] }

    func properties(at index: Int) -> UInt32 { properties.isEmpty ? 0 : properties[index] }

    /// Of an entry that goes to `index` of a history of `count` entries.
    mutating func insert(_ entry: HistoryEntry, at index: Int, count: Int) {
        if !entry.value.isNaN && values.isEmpty {
            values = [Double](repeating: .nan, count: count)
        }
        if !entry.value.isNaN || !values.isEmpty { values.insert(entry.value, at: index) }
        if entry.properties != 0 && properties.isEmpty {
            properties = [UInt32](repeating: 0, count: count)
        }
        if entry.properties != 0 || !properties.isEmpty {
            properties.insert(entry.properties, at: index)
        }
    }

    mutating func remove(at index: Int) {
        if !values.isEmpty { values.remove(at: index) }
        if !properties.isEmpty { properties.remove(at: index) }
    }
}

/// The distinct combinations of own columns that a group's events have.
///
/// Events of a shop differ in a handful of devices and channels, so that a code is cheaper than the
/// values; a column of which every event has another value costs a row an event. Rows are never
/// taken back while the group lives. The writer adds, anyone reads.
final class EventPropertyTable: Sendable {
    private struct State {
        var rows: [[PropertyValue]] = []
        var codes: [Key: UInt32] = [:]
    }

    /// A combination, its texts by their bytes.
    private struct Key: Hashable {
        private let values: [PropertyValue]
        private let texts: [ExactText]

        init(_ row: [PropertyValue]) {
            var values = row
            var texts: [ExactText] = []
            for (index, value) in row.enumerated() {
                if case .string(let text) = value {
                    texts.append(ExactText(text: text))
                    values[index] = .string("")
                }
            }
            self.values = values
            self.texts = texts
        }
    }

    private let state = Mutex(State())

    /// The code of a combination; 0 of one without any value.
    func insert(_ values: [PropertyValue]) -> UInt32 {
        var row = values
        while row.last == .null { row.removeLast() }
        if row.isEmpty { return 0 }
        let key = Key(row)
        return state.withLock { state in
            if let known = state.codes[key] { return known }
            state.rows.append(row)
            let code = UInt32(state.rows.count)
            state.codes[key] = code
            return code
        }
    }

    /// Adds the rows that `rows` does not have yet; row c - 1 is of code c.
    func extend(_ rows: inout [[PropertyValue]]) {
        state.withLock { state in
            rows.append(contentsOf: state.rows[rows.count...])
        }
    }

    subscript(code: UInt32) -> [PropertyValue] {
        code == 0 ? [] : state.withLock { $0.rows[Int(code) - 1] }
    }
}
