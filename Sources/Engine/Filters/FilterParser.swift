import Primitives

/// Reads the text of an expression; a hand-written parser of recursive descent.
///
/// It goes on behind an error at the next AND, OR, IF, `|` or closing parenthesis, so that one
/// reading names what is wrong in each part. The grammar stands in `Documentation/Filters.md`.
/// O(length); the recursion is bounded by `Limits.filterDepthMax`.
struct FilterParser {
    private let tokens: [FilterLexer.Placed]
    private var position = 0
    private(set) var errors: [FilterError]
    /// Set by an error that makes the rest of the text meaningless.
    private var hasGivenUp = false

    /// What could be read, and what was wrong; without errors the whole expression.
    struct Result {
        var expression: FilterExpression
        var errors: [FilterError]
    }

    static func parse(_ text: String, charactersMax: Int) -> Result {
        let count = text.unicodeScalars.count
        guard (1...charactersMax).contains(count) else {
            let error = FilterError(
                .length,
                SourceRange(offset: 0, count: 0),
                "has \(count) characters; 1 to \(charactersMax) are allowed"
            )
            return Result(expression: FilterExpression(clauses: []), errors: [error])
        }
        let lexer = FilterLexer(text)
        var parser = FilterParser(lexer)
        let clauses = parser.chain()
        return Result(
            expression: FilterExpression(clauses: clauses),
            errors: Array(parser.errors.prefix(Limits.filterErrorsMax))
        )
    }

    private init(_ lexer: FilterLexer) {
        tokens = lexer.tokens
        errors = lexer.errors
    }

    // MARK: Tokens

    var token: FilterLexer.Token { tokens[position].token }

    var range: SourceRange { tokens[position].range }

    /// Where the last token that was taken ends.
    var lastEnd: Int { position > 0 ? tokens[position - 1].range.end : 0 }

    mutating func advance() {
        if position < tokens.count - 1 { position += 1 }
    }

    func peek(_ ahead: Int = 1) -> FilterLexer.Token {
        tokens[min(position + ahead, tokens.count - 1)].token
    }

    func isAt(_ keyword: String) -> Bool { token.isWord(keyword) }

    func isAt(symbol: String) -> Bool { token == .symbol(symbol) }

    mutating func take(_ keyword: String) -> Bool {
        guard isAt(keyword) else { return false }
        advance()
        return true
    }

    mutating func take(symbol: String) -> Bool {
        guard isAt(symbol: symbol) else { return false }
        advance()
        return true
    }

    mutating func fail(
        _ message: String,
        at range: SourceRange,
        hint: String = "",
        code: FilterError.Code = .syntax
    ) {
        guard !hasGivenUp else { return }
        errors.append(FilterError(code, range, message, hint: hint))
        if errors.count >= Limits.filterErrorsMax { giveUp() }
    }

    /// The usual error: something else was found than what must stand here.
    mutating func failHere(_ needed: String, hint: String = "") {
        fail("found \(token.shown); \(needed)", at: range, hint: hint)
    }

    private mutating func giveUp() {
        hasGivenUp = true
        position = tokens.count - 1
    }

    // MARK: Chain and clauses

    private mutating func chain() -> [FilterClause] {
        var clauses: [FilterClause] = []
        repeat {
            if let clause = clause() { clauses.append(clause) }
            if token != .end && !isAt(symbol: "|") {
                failHere(
                    isAt("IF") ? "a clause has one IF" : "AND, OR, IF or | goes on from here",
                    hint: hintForTrailing
                )
                skip { $0 == .symbol("|") }
            }
        } while take(symbol: "|")
        if let first = clauses.first {
            for clause in clauses.dropFirst() where clause.target != first.target {
                fail(
                    "a clause about \(clause.target.spelling) in a chain about "
                        + "\(first.target.spelling); all clauses of a chain have one target",
                    at: clause.range
                )
            }
        }
        return clauses
    }

    private var hintForTrailing: String {
        switch token {
        case .word(let word):
            isAt("IF")
                ? "join its conditions by AND"
                : NearestName.of(word, in: ["AND", "OR", "IF"]).map { "did you mean \($0)?" } ?? ""
        case .symbol(")"): "there is no '(' for it"
        default: ""
        }
    }

    private mutating func clause() -> FilterClause? {
        let start = range.offset
        let action = action()
        let target = action == nil ? nil : target()
        if target == nil {
            skip { $0.isWord("WHERE") || $0 == .symbol("|") }
        }
        guard take("WHERE") else {
            if target != nil {
                failHere("WHERE stands between the target and its conditions")
                skip { $0 == .symbol("|") }
            }
            return nil
        }
        let condition = conditions(depth: 0)
        var requirement: FilterCondition?
        var isRequirementBroken = false
        if take("IF") {
            requirement = conditions(depth: 0)
            isRequirementBroken = requirement == nil
        }
        guard let action, let target, let condition, !isRequirementBroken else { return nil }
        return FilterClause(
            action: action,
            target: target,
            condition: condition,
            requirement: requirement,
            range: SourceRange(start, upTo: max(lastEnd, start))
        )
    }

    private mutating func action() -> FilterAction? {
        if take("INCLUDE") { return .include }
        if take("EXCLUDE") { return .exclude }
        failHere(
            "INCLUDE or EXCLUDE begins a clause",
            hint: token.nearest(["INCLUDE", "EXCLUDE"])
        )
        return nil
    }

    private mutating func target() -> FilterTarget? {
        for target in [FilterTarget.item, .user, .action] where take(target.spelling) {
            return target
        }
        failHere(
            "ItemID, UserID or ActionID says what the clause is about",
            hint: token.nearest(["ItemID", "UserID", "ActionID"])
        )
        return nil
    }

    /// Moves to the next token outside parentheses that is one of these, or to the end.
    mutating func skip(to isStop: (FilterLexer.Token) -> Bool) {
        var depth = 0
        while token != .end {
            if depth == 0 && isStop(token) { return }
            if isAt(symbol: "(") { depth += 1 }
            if isAt(symbol: ")") { depth = max(0, depth - 1) }
            advance()
        }
    }

    // MARK: Conditions

    /// Conditions joined by OR, each of them conditions joined by AND.
    ///
    /// - Returns: `nil` when nothing of it could be read.
    private mutating func conditions(depth: Int) -> FilterCondition? {
        var terms: [FilterCondition] = []
        repeat {
            if let term = term(depth: depth) { terms.append(term) }
        } while take("OR")
        return .joined(terms, .or)
    }

    /// Conditions joined by AND.
    ///
    /// The tests of interactions that stand directly in it are about one interaction.
    private mutating func term(depth: Int) -> FilterCondition? {
        var children: [FilterCondition] = []
        var group = InteractionGroup(tests: [])
        var groupPlace: Int?
        repeat {
            guard let part = part(depth: depth) else { continue }
            switch part {
            case .condition(let condition): children.append(condition)
            case .interaction(let more):
                if groupPlace == nil {
                    group = more
                    groupPlace = children.count
                    children.append(.interactions(more))
                    continue
                }
                if more.dataset != group.dataset {
                    fail(
                        "\(more.dataset.spelling) and \(group.dataset.spelling) can't be about "
                            + "the same interaction",
                        at: more.range,
                        hint: "put each of them in parentheses of its own",
                        code: .dataset
                    )
                }
                group.tests += more.tests
                group.counts += more.counts
                group.range = SourceRange(group.range.offset, upTo: more.range.end)
            }
        } while take("AND")
        if let groupPlace { children[groupPlace] = .interactions(group) }
        return .joined(children, .and)
    }

    private enum Part {
        case condition(FilterCondition)
        /// A test or a count that joins the others of its AND.
        case interaction(InteractionGroup)
    }

    private mutating func part(depth: Int) -> Part? {
        if isAt("NOT") {
            guard depth < Limits.filterDepthMax else { return failDeep() }
            advance()
            guard let part = isAt(symbol: "(") ? group(depth: depth) : part(depth: depth + 1)
            else { return nil }
            switch part {
            case .condition(.not(let inner)): return .condition(inner)
            case .condition(let condition): return .condition(.not(condition))
            case .interaction(let group): return .condition(.not(.interactions(group)))
            }
        }
        if isAt(symbol: "(") { return group(depth: depth) }
        let start = position
        if let atom = atom() {
            if case .interactions(let group) = atom { return .interaction(group) }
            return .condition(atom)
        }
        recover(from: start)
        return nil
    }

    /// Conditions in parentheses: their tests of interactions are about one of its own.
    private mutating func group(depth: Int) -> Part? {
        guard depth < Limits.filterDepthMax else { return failDeep() }
        let open = range
        advance()
        let condition = conditions(depth: depth + 1)
        if !take(symbol: ")") {
            if token == .end {
                fail("a '(' without its ')'", at: open)
            } else {
                failHere("AND, OR or ) goes on from here", hint: hintForTrailing)
                skip { $0 == .symbol(")") }
                _ = take(symbol: ")")
            }
        }
        return condition.map { .condition($0) }
    }

    private mutating func failDeep() -> Part? {
        fail(
            "parentheses and NOTs are more than \(Limits.filterDepthMax) deep",
            at: range,
            code: .depth
        )
        giveUp()
        return nil
    }

    /// Goes on behind a condition that could not be read.
    private mutating func recover(from start: Int) {
        let isStop = { (token: FilterLexer.Token) in
            token.isWord("AND") || token.isWord("OR") || token.isWord("IF")
                || token == .symbol("|") || token == .symbol(")")
        }
        // A parenthesis may have been opened within the condition, as that of a list.
        var depth = 0
        for index in start..<position {
            if tokens[index].token == .symbol("(") { depth += 1 }
            if tokens[index].token == .symbol(")") { depth -= 1 }
        }
        while depth > 0, token != .end, !isAt(symbol: "|") {
            if isAt(symbol: "(") { depth += 1 }
            if isAt(symbol: ")") { depth -= 1 }
            advance()
        }
        skip(to: isStop)
    }
}

extension FilterCondition {
    enum Joint { case and, or }

    /// The normal form of conditions that are joined.
    static func joined(_ parts: [FilterCondition], _ joint: Joint) -> FilterCondition? {
        var flat: [FilterCondition] = []
        for part in parts {
            switch (part, joint) {
            case (.and(let inner), .and), (.or(let inner), .or): flat += inner
            default: flat.append(part)
            }
        }
        guard flat.count > 1 else { return flat.first }
        return joint == .and ? .and(flat) : .or(flat)
    }
}

extension FilterTarget {
    var spelling: String {
        switch self {
        case .item: "ItemID"
        case .user: "UserID"
        case .action: "ActionID"
        }
    }
}

extension FilterLexer.Token {
    /// Keywords and datasets are read in any case.
    func isWord(_ keyword: String) -> Bool {
        guard case .word(let word) = self, word.utf8.count == keyword.utf8.count else {
            return false
        }
        return word.lowercased() == keyword.lowercased()
    }

    /// As an error message names it.
    var shown: String {
        switch self {
        case .word(let word): "'\(FilterLexer.shown(word))'"
        case .string(let text): "the string \"\(FilterLexer.shown(text))\""
        case .number(let number): "the number \(number)"
        case .parameter(let name): "the parameter $\(FilterLexer.shown(name))"
        case .symbol(let symbol): "'\(symbol)'"
        case .end: "the end"
        }
    }

    func nearest(_ names: [String]) -> String {
        guard case .word(let word) = self, let name = NearestName.of(word, in: names) else {
            return ""
        }
        return "did you mean \(name)?"
    }
}
