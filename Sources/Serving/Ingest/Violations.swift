import Primitives
import Resources

/// Gathers what is wrong with a call; spells out the first `Limits.violationsMax`.
struct Violations {
    private(set) var listed: [Refusal.FieldViolation] = []
    private var count = 0

    mutating func add(_ field: @autoclosure () -> String, _ description: @autoclosure () -> String)
    {
        count += 1
        guard listed.count < Limits.violationsMax else { return }
        listed.append(.init(field: field(), description: description()))
    }

    func throwIfAny() throws(Refusal) {
        guard let first = listed.first else { return }
        let more = count > 1 ? " (and \(count - 1) more)" : ""
        throw Refusal(
            .invalidInput,
            "\(first.field): \(first.description)\(more)",
            violations: listed
        )
    }

    /// Checks an identifier; `isRequired` says whether it may be empty.
    mutating func checkID(_ id: String, isRequired: Bool, _ field: @autoclosure () -> String) {
        if id.isEmpty {
            if isRequired { add(field(), "is required; 1 to 256 characters") }
            return
        }
        // Most ids are short: their bytes bound their characters.
        guard id.utf8.count > Limits.identifierCharactersMax else { return }
        let count = id.unicodeScalars.count
        if count > Limits.identifierCharactersMax {
            add(field(), "has \(count) characters; at most 256 are allowed")
        }
    }

    mutating func checkLength(_ text: String, _ bound: Int, _ field: @autoclosure () -> String) {
        guard text.utf8.count > bound else { return }
        let count = text.unicodeScalars.count
        if count > bound { add(field(), "has \(count) characters; at most \(bound) are allowed") }
    }
}

/// Where in a call something stands: `event_list[3]`, or `items[2].properties`.
///
/// Spelled out only when it is wrong.
struct RecordPath: CustomStringConvertible {
    let list: StaticString
    let position: Int
    var member = ""

    var properties: RecordPath {
        RecordPath(list: list, position: position, member: ".properties")
    }

    var description: String { "\(list)[\(position)]\(member)" }
}
