import Primitives

extension FilterParser {
    /// One condition: a column and what is asked of it.
    ///
    /// - Returns: A test, or a group of one test or count of interactions; `nil` after an error.
    mutating func atom() -> FilterCondition? {
        let start = range.offset
        guard let column = column("a condition begins with a column, such as Items.PRICE"),
            let predicate = predicate(column)
        else { return nil }
        let whole = SourceRange(start, upTo: lastEnd)
        guard column.dataset.isAboutInteractions else {
            return .test(FilterTest(column: column, predicate: predicate, range: whole))
        }
        var group = InteractionGroup(dataset: column.dataset, tests: [], range: whole)
        if column.name == Self.countName {
            group.counts = [predicate]
        } else {
            group.tests = [FilterTest(column: column, predicate: predicate, range: whole)]
        }
        return .interactions(group)
    }

    static var countName: String { "COUNT" }

    // MARK: Columns

    private mutating func column(_ needed: String) -> FilterColumn? {
        let start = range
        guard case .word(let word) = token else {
            failHere(needed)
            return nil
        }
        guard let dataset = FilterDataset.allCases.first(where: { token.isWord($0.spelling) })
        else {
            failDataset(word, needed)
            return nil
        }
        advance()
        guard take(symbol: ".") else {
            failHere("'.' and a column follow \(dataset.spelling)")
            return nil
        }
        guard case .word(let name) = token else {
            failHere("the name of a column follows \(dataset.spelling).")
            return nil
        }
        advance()
        return FilterColumn(dataset, name, range: SourceRange(start.offset, upTo: lastEnd))
    }

    private mutating func failDataset(_ word: String, _ needed: String) {
        let spellings = FilterDataset.allCases.map(\.spelling)
        guard peek() == .symbol(".") else {
            return failHere(needed, hint: token.nearest(spellings))
        }
        fail(
            "unknown dataset '\(FilterLexer.shown(word))'; there are "
                + spellings.joined(separator: ", "),
            at: range,
            hint: token.nearest(spellings),
            code: .dataset
        )
    }

    // MARK: Predicates

    private mutating func predicate(_ column: FilterColumn) -> FilterPredicate? {
        if take("IN") { return set(column, isNegated: false) }
        if take("BETWEEN") { return between(isNegated: false) }
        if take("WITHIN") { return span().map { .within(milliseconds: $0) } }
        if take("IS") {
            let isNegated = take("NOT")
            if take("NULL") { return .isNull(isNegated: isNegated) }
            failHere("NULL follows IS and IS NOT")
            return nil
        }
        if take("NOT") {
            if take("IN") { return set(column, isNegated: true) }
            if take("BETWEEN") { return between(isNegated: true) }
            failHere("IN or BETWEEN follows NOT here", hint: "a condition is negated by NOT ( … )")
            return nil
        }
        if case .symbol(let symbol) = token, let comparison = FilterComparison(spelling: symbol) {
            advance()
            return operand().map { .compare(comparison, $0) }
        }
        failHere(
            "IN, NOT IN, a comparison, BETWEEN, WITHIN or IS NULL follows a column",
            hint: token.nearest(["IN", "NOT", "BETWEEN", "WITHIN", "IS"])
        )
        return nil
    }

    private mutating func between(isNegated: Bool) -> FilterPredicate? {
        guard let low = operand() else { return nil }
        guard take("AND") else {
            failHere("AND and the upper bound follow BETWEEN and the lower one")
            return nil
        }
        return operand().map { .between(low, $0, isNegated: isNegated) }
    }

    // MARK: Sets

    private mutating func set(_ column: FilterColumn, isNegated: Bool) -> FilterPredicate? {
        if case .word = token, let other = self.column("a list in parentheses follows IN") {
            return .isIn(.column(other), isNegated: isNegated)
        }
        guard take(symbol: "(") else {
            failHere("a list in parentheses follows IN", hint: hintForList)
            return nil
        }
        if isAt(symbol: "*") { return anyType(column, isNegated) }
        if case .word = token, peek() == .symbol("."),
            let other = self.column("a list in parentheses follows IN")
        {
            guard closeList() else { return nil }
            return .isIn(.column(other), isNegated: isNegated)
        }
        guard let members = members() else { return nil }
        let isType = column.dataset.isAboutInteractions && column.name == "EVENT_TYPE"
        let hasStar = members.contains { $0.value == .anyType }
        guard isType && hasStar else { return .isIn(.members(members), isNegated: isNegated) }
        // A parameter beside a star adds no type, but a request must still give it.
        let parameters = members.filter(\.isParameter)
        if parameters.isEmpty { return .isIn(.any, isNegated: isNegated) }
        return .isIn(
            .members([FilterOperand(.anyType)] + parameters),
            isNegated: isNegated
        )
    }

    private var hintForList: String {
        switch token {
        case .parameter(let name): "write ($\(name))"
        case .string(let text): "write (\(FilterText.quoted(FilterLexer.shown(text))))"
        default: ""
        }
    }

    private mutating func anyType(_ column: FilterColumn, _ isNegated: Bool) -> FilterPredicate? {
        let star = range
        advance()
        guard column.dataset.isAboutInteractions, column.name == "EVENT_TYPE" else {
            fail(
                "'*' stands for any event type; \(column.dataset.spelling).\(column.name) is "
                    + "no event type",
                at: star,
                hint: "IS NOT NULL asks for any value"
            )
            return nil
        }
        guard take(symbol: ")") else {
            failHere("')' follows '*', which is all types", hint: hintBesideStar)
            return nil
        }
        return .isIn(.any, isNegated: isNegated)
    }

    private var hintBesideStar: String {
        guard isAt(symbol: ","), case .parameter(let name) = peek() else { return "" }
        return "write (\"*\", $\(name))"
    }

    private mutating func closeList() -> Bool {
        if take(symbol: ")") { return true }
        failHere("',' or ')' goes on from here")
        return false
    }

    private mutating func members() -> [FilterOperand]? {
        var members: [FilterOperand] = []
        var known: Set<FilterOperand.Value> = []
        repeat {
            guard let member = operand() else { return nil }
            switch member.value {
            case .literal, .parameter:
                if known.insert(member.value).inserted { members.append(member) }
            case .now, .column:
                fail(
                    "a list holds values and parameters",
                    at: member.range,
                    hint: "join two conditions by OR"
                )
                return nil
            }
        } while take(symbol: ",")
        return closeList() ? members : nil
    }

    // MARK: Operands

    /// A value to compare with; one pair of parentheses around it has no meaning.
    private mutating func operand() -> FilterOperand? {
        guard isAt(symbol: "(") else { return bareOperand() }
        advance()
        guard let operand = bareOperand() else { return nil }
        guard take(symbol: ")") else {
            failHere("')' follows the value")
            return nil
        }
        return operand
    }

    private mutating func bareOperand() -> FilterOperand? {
        let start = range.offset
        let value: FilterOperand.Value
        switch token {
        case .string(let text):
            advance()
            value = .literal(.string(text))
        case .number, .symbol("-"), .symbol("+"):
            guard let number = signedNumber() else { return nil }
            value = .literal(.number(number))
        case .parameter(let name):
            checkParameter(name)
            advance()
            value = .parameter(name)
        case .word:
            guard let named = namedOperand() else { return nil }
            value = named
        case .symbol, .end:
            failHere("a value follows: a number, a \"string\", TRUE, FALSE, NOW, $NAME or a column")
            return nil
        }
        return FilterOperand(value, range: SourceRange(start, upTo: lastEnd))
    }

    private mutating func checkParameter(_ name: String) {
        guard name.utf8.count > Limits.filterParameterNameMax else { return }
        fail(
            "the name of a parameter has \(name.utf8.count) characters; "
                + "\(Limits.filterParameterNameMax) are allowed",
            at: range,
            code: .parameter
        )
    }

    private mutating func namedOperand() -> FilterOperand.Value? {
        if take("TRUE") { return .literal(.boolean(true)) }
        if take("FALSE") { return .literal(.boolean(false)) }
        if take("NOW") { return offset().map { .now(offsetMS: $0) } }
        if isAt("NULL") {
            failHere("nothing equals NULL", hint: "write IS NULL or IS NOT NULL")
            return nil
        }
        if case .word(let word) = token, peek() != .symbol(".") {
            failHere(
                "a value follows: a number, a \"string\", TRUE, FALSE, NOW, $NAME or a column",
                hint: "a string stands in quotes: \"\(FilterLexer.shown(word))\""
            )
            return nil
        }
        return column("a value follows").map { .column($0) }
    }

    private mutating func signedNumber() -> FilterNumber? {
        let start = range.offset
        let isNegative = isAt(symbol: "-")
        if isNegative || isAt(symbol: "+") { advance() }
        guard case .number(let number) = token else {
            failHere("a number follows the sign")
            return nil
        }
        advance()
        guard isNegative else { return number }
        if case .integer(let value) = number { return FilterNumber(-value) }
        guard let negated = FilterNumber(-number.rounded) else {
            fail(
                "the number is too large",
                at: SourceRange(start, upTo: lastEnd),
                code: .character
            )
            return nil
        }
        return negated
    }

    // MARK: Spans

    /// What follows NOW, in milliseconds.
    private mutating func offset() -> Int64? {
        if take(symbol: "+") { return span() }
        if take(symbol: "-") { return span().map { -$0 } }
        return 0
    }

    private mutating func span() -> Int64? {
        let start = range.offset
        guard case .number(let number) = token else {
            failHere("a span follows, such as 30 DAYS")
            return nil
        }
        advance()
        guard
            let unit = FilterSpan.units.first(where: { unit in
                token.isWord(unit.name) || token.isWord(unit.name + "S")
            })
        else {
            failHere(
                "DAYS, HOURS or MINUTES follows the number of a span",
                hint: token.nearest(["DAYS", "HOURS", "MINUTES"])
            )
            return nil
        }
        advance()
        let most = Limits.filterSpanDaysMax * FilterSpan.dayMS / unit.milliseconds
        guard case .integer(let amount) = number, (0...most).contains(amount) else {
            fail(
                "a span of \(number) \(unit.name)S; a whole number up to \(most) is allowed",
                at: SourceRange(start, upTo: lastEnd)
            )
            return nil
        }
        return amount * unit.milliseconds
    }
}

/// Spans of time as an expression writes them.
enum FilterSpan {
    static let dayMS: Int64 = 86_400_000
    /// Longest first.
    static let units: [(name: String, milliseconds: Int64)] = [
        ("DAY", dayMS), ("HOUR", 3_600_000), ("MINUTE", 60_000),
    ]

    static func spelled(_ milliseconds: Int64) -> String {
        for unit in units where milliseconds % unit.milliseconds == 0 {
            let amount = milliseconds / unit.milliseconds
            return "\(amount) \(unit.name)\(amount == 1 ? "" : "S")"
        }
        preconditionFailure("spans are whole minutes")
    }
}

extension FilterDataset {
    /// Whether its conditions are about one interaction of many.
    package var isAboutInteractions: Bool { self == .interactions || self == .actionInteractions }
}

extension FilterComparison {
    var spelling: String {
        switch self {
        case .equal: "="
        case .notEqual: "!="
        case .less: "<"
        case .lessOrEqual: "<="
        case .greater: ">"
        case .greaterOrEqual: ">="
        }
    }

    init?(spelling: String) {
        guard let found = Self.allCases.first(where: { $0.spelling == spelling }) else {
            return nil
        }
        self = found
    }
}
