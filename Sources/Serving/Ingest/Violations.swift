import Engine
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

    /// Takes over what another record has.
    mutating func add(_ other: Violations) {
        count += other.count
        listed += other.listed.prefix(max(0, Limits.violationsMax - listed.count))
    }

    /// Everything in one refusal; `nil` when nothing is wrong.
    var refusal: Refusal? {
        guard let first = listed.first else { return nil }
        let more = count > 1 ? " (and \(count - 1) more)" : ""
        return Refusal(
            .invalidInput,
            "\(first.field): \(first.description)\(more)",
            violations: listed
        )
    }

    func throwIfAny() throws(Refusal) {
        if let refusal { throw refusal }
    }

    /// Checks the ids that all events of a `PutEvents` call share.
    mutating func checkOwner(userID: String, sessionID: String) {
        checkID(userID, isRequired: false, "user_id")
        checkID(sessionID, isRequired: true, "session_id")
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
    let list: RecordBatch.List
    let position: Int
    var member = ""

    func member(_ name: String) -> RecordPath {
        RecordPath(list: list, position: position, member: member.isEmpty ? name : member + name)
    }

    var description: String {
        (list.isList ? "\(list.rawValue)[\(position)]" : list.rawValue) + member
    }
}
