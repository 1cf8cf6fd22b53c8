package import Engine
package import Primitives

/// Random expressions for the schemas of `FilterSample`, in random spelling, from one seed.
package struct FilterGenerator {
    package var random: SeededGenerator
    private var target = FilterTarget.item
    private var parameters: [String: String] = [:]
    /// Whether the condition that is being made is about the candidate's own record.
    private var isOfCandidate = false
    private let now: Timestamp

    package init(seed: UInt64, now: Timestamp) {
        random = SeededGenerator(seed: seed)
        self.now = now
    }

    /// A correct expression.
    package mutating func expression(_ target: FilterTarget = .item) -> String {
        self.target = target
        parameters = [:]
        return (0..<oneOf([1, 1, 2, 3])).map { _ in clause() }.joined(separator: space() + "|")
    }

    /// An expression that is as long, or as deep, as is allowed, or one more or less.
    ///
    /// - Returns: It, and whether it is correct.
    package mutating func expressionAtLimits() -> (text: String, isCorrect: Bool) {
        target = .item
        parameters = [:]
        let beyond = below(3) - 1
        guard below(2) == 0 else {
            let depth = Limits.filterDepthMax + beyond
            let hasGroups = below(3) > 0
            let openings = hasGroups ? ["(", "NOT (", "not\n("] : ["NOT "]
            let opened = (0..<depth).map { _ in oneOf(openings) }.joined()
            let closed = String(repeating: ")", count: hasGroups ? depth : 0)
            let text = "INCLUDE ItemID WHERE " + opened + condition(false) + closed
            return (text, beyond <= 0)
        }
        let length = Limits.filterCharactersMax + beyond
        var text = clause()
        var count = text.unicodeScalars.count
        while true {
            let next = "|" + clause()
            guard count + next.unicodeScalars.count <= length else { break }
            text += next
            count += next.unicodeScalars.count
        }
        return (text + String(repeating: " ", count: length - count), beyond <= 0)
    }

    /// A text near a correct expression: parts of it were removed, doubled, swapped or replaced.
    package mutating func brokenExpression() -> String {
        broken(expression(oneOf([.item, .user, .action])))
    }

    package mutating func broken(_ text: String) -> String {
        var bytes = Array(text.utf8)
        for _ in 0..<oneOf([1, 1, 2, 5]) where !bytes.isEmpty {
            let from = below(bytes.count)
            let part = from..<min(bytes.count, from + 1 + below(oneOf([1, 4, 20])))
            switch below(4) {
            case 0: bytes.removeSubrange(part)
            case 1: bytes.insert(contentsOf: bytes[part], at: below(bytes.count))
            case 2: bytes.replaceSubrange(part, with: Array(oneOf(Self.shards).utf8))
            default: bytes.insert(contentsOf: Array(oneOf(Self.shards).utf8), at: from)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let shards = [
        "(", ")", "((", "\"", "\"\"", "\\\"", "'", "$", "$P", "|", ",", "*", ".", "=", "==", "<>",
        "!", "NOT ", " AND ", " OR ", " IF ", " IN ", "BETWEEN", "NULL", "NOW", "WITHIN 3 DAYS",
        "99999999999999999999", "1e999", "-", "é", "\u{0}", "\n", "Items.", "Interactions.COUNT",
        "CurrentUser.AGE", "EVENT_TYPE", "[", "\u{201C}", "{", "&&", "||", "ITEMS", "$P1$P2",
    ]

    /// Values for the parameters; those that may be omitted sometimes are.
    package mutating func values(for filter: CheckedFilter) -> [String: [String]] {
        var values: [String: [String]] = [:]
        for parameter in filter.parameters where parameter.isRequired || below(3) > 0 {
            let count = parameter.isList ? below(4) : 1
            values[parameter.name] = (0..<count).map { _ in
                switch parameter.type {
                case .text: oneOf(Self.words + ["*"])
                case .number: number()
                case .boolean: oneOf(["true", "FALSE"])
                case .instant: instant()
                }
            }
        }
        return values
    }

    // MARK: Draws

    package mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    package mutating func oneOf<T>(_ choices: [T]) -> T { choices[below(choices.count)] }

    /// Space that has no meaning.
    private mutating func space() -> String { oneOf([" ", " ", " ", "  ", "\n\t"]) }

    private mutating func keyword(_ word: String) -> String {
        let cased = below(4) == 0 ? word.lowercased() : word
        return space() + cased + space()
    }

    // MARK: Clauses and conditions

    private mutating func clause() -> String {
        let action = oneOf(["INCLUDE", "EXCLUDE"])
        let name =
            switch target {
            case .item: "ItemID"
            case .user: "UserID"
            case .action: "ActionID"
            }
        var text = action + keyword(name) + keyword("WHERE") + conditions(depth: 0) + space()
        if target != .user && below(4) == 0 {
            text += keyword("IF") + conditions(depth: 2, isRequirement: true)
        }
        return text
    }

    private mutating func conditions(depth: Int, isRequirement: Bool = false) -> String {
        (0..<oneOf([1, 1, 1, 2, 3])).map { _ in term(depth, isRequirement) }
            .joined(separator: keyword("OR"))
    }

    private mutating func term(_ depth: Int, _ isRequirement: Bool) -> String {
        (0..<oneOf([1, 1, 2, 3])).map { _ in part(depth, isRequirement) }
            .joined(separator: keyword("AND"))
    }

    private mutating func part(_ depth: Int, _ isRequirement: Bool) -> String {
        if depth < 3 && below(4) == 0 {
            let inner = conditions(depth: depth + 1, isRequirement: isRequirement)
            return oneOf(["", "", "NOT "]) + "(" + inner + ")"
        }
        return oneOf(["", "", "", "", "", "NOT "]) + condition(isRequirement)
    }

    private mutating func condition(_ isRequirement: Bool) -> String {
        let own: [(String, Kind)]
        let interactions: [(String, Kind)] = [
            ("EVENT_TYPE", .type), ("EVENT_VALUE", .number), ("TIMESTAMP", .instant),
            ("DEVICE", .text), ("RATING", .number), ("COUNT", .count),
        ]
        let aboutUser = isRequirement || (target == .item && below(12) == 0)
        switch (aboutUser, target, below(3)) {
        case (true, _, _):
            own = Self.user.map { ("CurrentUser.\($0.0)", $0.1) }
        case (false, .action, 0):
            own = [("Action_Interactions.EVENT_TYPE", .type)]
        case (false, _, 0):
            own = interactions.map { ("Interactions.\($0.0)", $0.1) }
        case (_, .item, _):
            own = Self.items.map { ("Items.\($0.0)", $0.1) }
        case (_, .user, _):
            own = Self.user.map { ("Users.\($0.0)", $0.1) }
        case (_, .action, _):
            own = [
                ("Actions.VALUE", .number), ("Actions.KIND", .text), ("Actions.ACTION_ID", .text),
            ]
        }
        let (column, kind) = oneOf(own)
        isOfCandidate = ["Items.", "Users.", "Actions."].contains { column.hasPrefix($0) }
        return column + predicate(kind, isRequirement)
    }

    private enum Kind { case text, type, number, count, boolean, instant }

    private static let items: [(String, Kind)] = [
        ("ITEM_ID", .text), ("ROOM", .text), ("STYLE", .text), ("KIND", .text),
        ("WEIGHT", .number), ("YEAR", .number), ("ADULT", .boolean),
        ("CREATION_TIMESTAMP", .instant),
    ]

    private static let user: [(String, Kind)] = [
        ("USER_ID", .text), ("AGE", .number), ("TIER", .text), ("BUDGET", .number),
        ("ADULT", .boolean),
    ]

    // MARK: Predicates

    private mutating func predicate(_ kind: Kind, _ isRequirement: Bool) -> String {
        let hasOrder = kind == .number || kind == .count || kind == .instant
        switch below(8) {
        case 0 where kind != .count:
            return keyword("IS") + oneOf(["", "NOT "]) + "NULL"
        case 1 where hasOrder:
            return keyword(oneOf(["BETWEEN", "NOT BETWEEN"])) + value(kind, isRequirement)
                + keyword("AND") + value(kind, isRequirement)
        case 2 where kind == .instant:
            return keyword("WITHIN") + span()
        case 2 where kind == .type:
            return keyword(oneOf(["IN", "NOT IN"])) + oneOf(["(*)", "(\"*\")"])
        case 3 where kind != .count && kind != .type:
            return keyword(oneOf(["IN", "NOT IN"])) + other(kind, isRequirement)
        case 4, 5, 6:
            let members = (0...below(3)).map { _ in member(kind) }
            return keyword(oneOf(["IN", "NOT IN"])) + "(" + members.joined(separator: ",") + ")"
        default:
            let comparison = oneOf(hasOrder ? ["=", "!=", "<", "<=", ">", ">="] : ["=", "!="])
            return space() + comparison + space() + value(kind, isRequirement)
        }
    }

    private mutating func value(_ kind: Kind, _ isRequirement: Bool) -> String {
        switch below(6) {
        case 0 where kind == .instant || kind == .number:
            return "NOW" + oneOf(["", " - " + span(), "+" + span()])
        case 1 where kind != .count && kind != .type && kind != .instant:
            return other(kind, isRequirement)
        case 2: return "(" + member(kind) + ")"
        default: return member(kind)
        }
    }

    /// A column of the same kind that may stand on the right.
    private mutating func other(_ kind: Kind, _ isRequirement: Bool) -> String {
        let user = userName(kind)
        let item =
            switch kind {
            case .text, .type: oneOf(["ROOM", "STYLE", "ITEM_ID"])
            case .number, .count: oneOf(["WEIGHT", "YEAR"])
            case .boolean: "ADULT"
            case .instant: "CREATION_TIMESTAMP"
            }
        var choices: [String] = []
        if target != .user && kind != .instant { choices.append("CurrentUser.\(user)") }
        if target == .item && !isRequirement { choices.append("CurrentItem.\(item)") }
        if isOfCandidate {
            switch target {
            case .item: choices.append("Items.\(item)")
            case .user: choices.append("Users.\(user)")
            case .action: choices.append(kind == .text ? "Actions.KIND" : "Actions.VALUE")
            }
        }
        return choices.isEmpty ? "(\(member(kind)))" : oneOf(choices)
    }

    private mutating func userName(_ kind: Kind) -> String {
        switch kind {
        case .text, .type: oneOf(["TIER", "USER_ID"])
        case .number, .count, .instant: oneOf(["AGE", "BUDGET"])
        case .boolean: "ADULT"
        }
    }

    private mutating func member(_ kind: Kind) -> String {
        if below(4) == 0 {
            let name = "P\(below(4))\(oneOf(["A", "b", "_"]))"
            let type =
                switch kind {
                case .text, .type: "text"
                case .number, .count: "number"
                case .boolean: "boolean"
                case .instant: "instant"
                }
            // A parameter has one type.
            if parameters[name, default: type] == type {
                parameters[name] = type
                return "$" + name
            }
        }
        switch kind {
        case .text: return quoted(oneOf(Self.words))
        case .type:
            return quoted(oneOf(["view", "View", "PURCHASE", "click", "like", "a \"b\"", "*"]))
        case .number: return number()
        case .count: return String(below(4))
        case .boolean: return oneOf(["TRUE", "false", "\"true\""])
        case .instant: return instant()
        }
    }

    private mutating func quoted(_ text: String) -> String {
        let quote = oneOf(["\"\"", "\\\""])
        return "\""
            + text.split(separator: "\"", omittingEmptySubsequences: false)
            .joined(separator: quote) + "\""
    }

    package mutating func number() -> String {
        oneOf([
            "0", "1", "2", "3", "-1", "0.5", "2.5", "+2", "1e1", "1e-3", "9007199254740993",
            "9223372036854775807", "-9223372036854775808", "1e300", "2e0",
        ])
    }

    /// Epoch seconds near now, some with a fraction.
    package mutating func instant() -> String {
        let seconds = now.milliseconds / 1_000 + Int64(below(21) - 10) * 86_400
        return String(seconds) + oneOf(["", "", ".5", ".001"])
    }

    private mutating func span() -> String {
        String(below(12)) + " " + oneOf(["DAYS", "DAY", "HOURS", "hours", "MINUTES", "minute"])
    }

    /// Values that texts have, and a few that they do not.
    package static let words = [
        "a", "b", "c", "A", "", "red", "blue", "red|blue", "é", "e\u{301}", "a \"b\"", "x\\y", "i1",
        "i2", "u1", "u2",
    ]
}
