import Primitives

extension FilterChecker {
    /// Checks what is asked of a column, and converts the literals to its type.
    mutating func check(
        _ predicate: FilterPredicate,
        _ column: FilterColumn,
        _ info: FilterColumnInfo
    ) -> FilterPredicate {
        switch predicate {
        case .isNull:
            return predicate
        case .isIn(.any, _):
            return predicate
        case .isIn(.column(let other), _):
            checkSame(other, column, info)
            return predicate
        case .isIn(.members(let members), let isNegated):
            // What differs in spelling, as "true" and TRUE, is one member now.
            var known: Set<FilterOperand.Value> = []
            let checked = members.map { check($0, column, info, isListMember: true) }
                .filter { known.insert($0.value).inserted }
            return .isIn(.members(checked), isNegated: isNegated)
        case .compare(let comparison, let operand):
            if comparison.isOrder { checkOrdered(column, info, comparison.spelling) }
            return .compare(comparison, check(operand, column, info, isListMember: false))
        case .between(let low, let high, let isNegated):
            checkOrdered(column, info, "BETWEEN")
            return .between(
                check(low, column, info, isListMember: false),
                check(high, column, info, isListMember: false),
                isNegated: isNegated
            )
        case .within:
            if info.type != .instant {
                fail(
                    .type,
                    "WITHIN on \(column), which holds \(info.type.plural); it needs a column of "
                        + "instants",
                    at: column.range,
                    hint: info.type == .number ? "write \(column) >= NOW - …" : ""
                )
            }
            return predicate
        }
    }

    private mutating func checkOrdered(
        _ column: FilterColumn,
        _ info: FilterColumnInfo,
        _ symbol: String
    ) {
        switch info.type {
        case .number, .instant: return
        case .text, .boolean:
            fail(
                .type,
                "\(symbol) on \(column), which holds \(info.type.plural); it needs a column of "
                    + "numbers or instants",
                at: column.range,
                hint: "use IN, NOT IN, = or !="
            )
        }
    }

    private mutating func checkSame(
        _ other: FilterColumn,
        _ column: FilterColumn,
        _ info: FilterColumnInfo
    ) {
        guard let second = resolveOther(other, column), second.type.single != info.type.single
        else { return }
        fail(
            .type,
            "\(other) holds \(second.type.plural), \(column) \(info.type.plural)",
            at: other.range
        )
    }

    private mutating func check(
        _ operand: FilterOperand,
        _ column: FilterColumn,
        _ info: FilterColumnInfo,
        isListMember: Bool
    ) -> FilterOperand {
        var operand = operand
        switch operand.value {
        case .literal(let literal):
            if let converted = literal.converted(to: info.type) {
                operand.value = .literal(converted)
            } else {
                failLiteral(literal, operand.range, column, info)
            }
        case .parameter(let name):
            note(name, info.type.single, isListMember: isListMember, at: operand.range)
        case .column(let other):
            checkSame(other, column, info)
        case .now:
            if info.type != .instant && info.type != .number {
                fail(
                    .type,
                    "NOW for \(column), which holds \(info.type.plural)",
                    at: operand.range
                )
            }
        }
        return operand
    }

    private mutating func failLiteral(
        _ literal: FilterLiteral,
        _ range: SourceRange,
        _ column: FilterColumn,
        _ info: FilterColumnInfo
    ) {
        let hint =
            switch (info.type, literal) {
            case (.text, .number(let number)): "write \"\(number)\""
            case (.text, .boolean(let flag)): "write \"\(flag)\""
            case (.boolean, _): "write TRUE or FALSE"
            case (.instant, .string): "write NOW - 7 DAYS, or epoch seconds"
            default: ""
            }
        fail(
            .type,
            "\(literal.shown) for \(column), which holds \(info.type.plural)",
            at: range,
            hint: hint
        )
    }

    // MARK: Counts

    mutating func checkCount(
        _ predicate: FilterPredicate,
        _ group: InteractionGroup
    ) -> FilterPredicate {
        let column = FilterColumn(group.dataset, FilterParser.countName, range: group.range)
        let info = FilterColumnInfo(place: .eventValue, type: .number)
        switch predicate {
        case .isNull, .within, .isIn(.any, _), .isIn(.column, _):
            fail(
                .type,
                "COUNT is a number; a comparison, IN ( … ) or BETWEEN follows it",
                at: group.range
            )
            return predicate
        case .isIn(.members, _), .compare, .between:
            for operand in predicate.operands {
                switch operand.value {
                case .now, .column:
                    fail(
                        .type,
                        "\(operand) for COUNT, which is compared with numbers and parameters",
                        at: operand.range
                    )
                    return predicate
                case .literal, .parameter:
                    continue
                }
            }
            return check(predicate, column, info)
        }
    }
}

extension FilterComparison {
    /// Whether it needs values that have an order.
    package var isOrder: Bool { self != .equal && self != .notEqual }
}

extension FilterType {
    var plural: String {
        switch self {
        case .text: "strings"
        case .number: "numbers"
        case .boolean: "TRUE and FALSE"
        case .instant: "instants in epoch seconds"
        }
    }
}

extension FilterLiteral {
    /// The value as one of this type; numbers, TRUE and FALSE may stand in quotes.
    func converted(to type: FilterType) -> FilterLiteral? {
        switch (type, self) {
        case (.text, .string), (.number, .number), (.boolean, .boolean), (.instant, .instantMS):
            return self
        case (.number, .string(let text)):
            return FilterNumber(parsing: text).map { .number($0) }
        case (.instant, .string(let text)):
            return FilterNumber(parsing: text)?.asMilliseconds.map { .instantMS($0) }
        case (.instant, .number(let number)):
            return number.asMilliseconds.map { .instantMS($0) }
        case (.boolean, .string(let text)):
            switch text.lowercased() {
            case "true": return .boolean(true)
            case "false": return .boolean(false)
            default: return nil
            }
        case (.text, _), (.number, _), (.boolean, _):
            return nil
        case (.instant, .boolean):
            return nil
        }
    }

    var shown: String {
        switch self {
        case .string(let text): "the string \"\(FilterLexer.shown(text))\""
        case .number, .instantMS: "the number \(self)"
        case .boolean: description
        }
    }
}

extension FilterNumber {
    /// A number as people and JSON write it: a sign, digits, a fraction, an exponent.
    init?(parsing text: String) {
        let allowed = Set("0123456789+-.eE".utf8)
        guard let last = text.utf8.last, (0x30...0x39).contains(last),
            text.utf8.count <= 400, text.utf8.allSatisfy({ allowed.contains($0) })
        else { return nil }
        if let integer = Int64(text) {
            self = .integer(integer)
        } else if let double = Double(text), let number = FilterNumber(double) {
            self = number
        } else {
            return nil
        }
    }

    /// Seconds as milliseconds, to the nearest one; `nil` beyond the range of `Int64`.
    var asMilliseconds: Int64? {
        switch self {
        case .integer(let seconds):
            let (product, isTooLarge) = seconds.multipliedReportingOverflow(by: 1_000)
            return isTooLarge ? nil : product
        case .fraction(let seconds):
            return Int64(exactly: (seconds * 1_000).rounded())
        }
    }
}
