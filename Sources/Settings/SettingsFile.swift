import CYAML

/// Why settings can't be used, with the place.
package struct SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
    package var message: String

    package init(_ message: String) {
        self.message = message
    }

    package var description: String { message }
}

/// A YAML file of settings: one mapping of names to a scalar or to a list of scalars.
///
/// Nothing deeper is needed, so nothing deeper is read; anchors and tags are refused with the rest.
package struct SettingsFile: Sendable {
    package struct Entry: Hashable, Sendable {
        package var key: String
        package var values: [String]
        package var line: Int
    }

    package let entries: [Entry]

    /// - Throws: `SettingsError` with the line of what is wrong.
    package init(parsing text: String) throws(SettingsError) {
        let parser = YAMLEvents(text)
        var entries: [Entry] = []
        try parser.expect(.streamStart)
        switch try parser.next() {
        case (.streamEnd, _):
            self.entries = []
            return
        case (.documentStart, _): break
        case (_, let line): throw Self.wrong(line, "a mapping of settings is expected")
        }
        let (first, firstLine) = try parser.next()
        if case .scalar("") = first {
            // A document of comments.
            self.entries = []
            return
        }
        guard case .mappingStart = first else {
            throw Self.wrong(firstLine, "a mapping of settings is expected, as in 'reactors: 2'")
        }
        while true {
            let (event, line) = try parser.next()
            if case .mappingEnd = event { break }
            guard case .scalar(let key) = event else {
                throw Self.wrong(line, "the name of a setting is expected")
            }
            guard !entries.contains(where: { $0.key == key }) else {
                throw Self.wrong(line, "'\(key)' stands twice")
            }
            let values = try Self.values(of: key, parser)
            entries.append(Entry(key: key, values: values, line: line))
        }
        self.entries = entries
        try parser.expect(.documentEnd)
        try parser.expect(.streamEnd)
    }

    private static func values(
        of key: String,
        _ parser: YAMLEvents
    ) throws(SettingsError) -> [String] {
        switch try parser.next() {
        case (.scalar(let value), _):
            return [value]
        case (.sequenceStart, _):
            var values: [String] = []
            while true {
                switch try parser.next() {
                case (.sequenceEnd, _): return values
                case (.scalar(let value), _): values.append(value)
                case (_, let line): throw wrong(line, "a list of '\(key)' holds plain values")
                }
            }
        case (_, let line):
            throw wrong(line, "'\(key)' takes a value, or a list of values")
        }
    }

    private static func wrong(_ line: Int, _ message: String) -> SettingsError {
        SettingsError("line \(line): \(message)")
    }
}

/// libyaml's events, one by one.
@safe
private final class YAMLEvents {
    enum Event: Equatable {
        case streamStart, streamEnd, documentStart, documentEnd
        case mappingStart, mappingEnd, sequenceStart, sequenceEnd
        case scalar(String)
        case other
    }

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeMutableBufferPointer<UInt8>

    init(_ text: String) {
        unsafe parser = .allocate(capacity: 1)
        let bytes = Array(text.utf8)
        // libyaml reads the text until the parser is gone.
        unsafe self.text = .allocate(capacity: bytes.count)
        _ = unsafe self.text.initialize(from: bytes)
        let made = unsafe yaml_parser_initialize(parser)
        precondition(made == 1, "out of memory for libyaml")
        unsafe yaml_parser_set_input_string(parser, self.text.baseAddress, bytes.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe text.deallocate()
    }

    /// The next event and its line, from 1.
    func next() throws(SettingsError) -> (Event, Int) {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else {
            let line = unsafe parser.pointee.problem_mark.line + 1
            let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) }
            throw SettingsError("line \(line): \(problem ?? "no YAML")")
        }
        defer { unsafe yaml_event_delete(&event) }
        return unsafe (Self.event(event), Int(event.start_mark.line) + 1)
    }

    func expect(_ expected: Event) throws(SettingsError) {
        let (event, line) = try next()
        guard event == expected else {
            throw SettingsError("line \(line): one mapping of settings is expected, and no more")
        }
    }

    private static func event(_ event: yaml_event_t) -> Event {
        switch unsafe event.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_STREAM_END_EVENT: return .streamEnd
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_MAPPING_START_EVENT: return .mappingStart
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        case YAML_SEQUENCE_START_EVENT: return .sequenceStart
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return .scalar(unsafe String(decoding: bytes, as: UTF8.self))
        default: return .other
        }
    }
}
