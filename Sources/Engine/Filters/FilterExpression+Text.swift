extension FilterExpression: CustomStringConvertible {
    /// The normal form: one spelling for every expression that says the same in the same order.
    ///
    /// Reading it gives an equal expression.
    package var description: String {
        clauses.map(\.description).joined(separator: " | ")
    }
}

extension FilterClause: CustomStringConvertible {
    package var description: String {
        let verb = action == .include ? "INCLUDE" : "EXCLUDE"
        let text = "\(verb) \(target.spelling) WHERE \(condition)"
        return requirement.map { "\(text) IF \($0)" } ?? text
    }
}

extension FilterCondition: CustomStringConvertible {
    package var description: String {
        switch self {
        case .and(let children):
            // Two groups would become one without their parentheses.
            let groups = children.filter(\.isGroup).count
            return children.map { child in
                let needsParentheses = child.isOr || (child.isGroup && groups > 1)
                return needsParentheses ? "(\(child))" : child.description
            }
            .joined(separator: " AND ")
        case .or(let children): return children.map(\.description).joined(separator: " OR ")
        case .not(let child): return "NOT (\(child))"
        case .test(let test): return test.description
        case .interactions(let group): return group.description
        }
    }

    private var isOr: Bool {
        if case .or = self { return true }
        return false
    }

    private var isGroup: Bool {
        if case .interactions = self { return true }
        return false
    }
}

extension InteractionGroup: CustomStringConvertible {
    package var description: String {
        let name = "\(dataset.spelling).\(FilterParser.countName)"
        return (tests.map(\.description) + counts.map { "\(name) \($0)" })
            .joined(separator: " AND ")
    }
}

extension FilterTest: CustomStringConvertible {
    package var description: String { "\(column) \(predicate)" }
}

extension FilterPredicate: CustomStringConvertible {
    /// What stands behind the column.
    package var description: String {
        switch self {
        case .isIn(let set, let isNegated): "\(isNegated ? "NOT " : "")IN \(set)"
        case .compare(let comparison, let operand): "\(comparison.spelling) \(operand)"
        case .between(let low, let high, let isNegated):
            "\(isNegated ? "NOT " : "")BETWEEN \(low) AND \(high)"
        case .isNull(let isNegated): isNegated ? "IS NOT NULL" : "IS NULL"
        case .within(let milliseconds): "WITHIN \(FilterSpan.spelled(milliseconds))"
        }
    }
}

extension FilterSet: CustomStringConvertible {
    package var description: String {
        switch self {
        case .any: "(*)"
        case .members(let members): "(\(members.map(\.description).joined(separator: ", ")))"
        case .column(let column): column.description
        }
    }
}

extension FilterOperand: CustomStringConvertible {
    package var description: String {
        switch value {
        case .literal(let literal): literal.description
        case .parameter(let name): "$\(name)"
        case .column(let column): column.description
        case .now(0): "NOW"
        case .now(let offset):
            "NOW \(offset < 0 ? "-" : "+") \(FilterSpan.spelled(abs(offset)))"
        }
    }
}

extension FilterLiteral: CustomStringConvertible {
    package var description: String {
        switch self {
        case .string(let text): FilterText.quoted(text)
        case .number(let number): number.description
        case .boolean(let flag): flag ? "TRUE" : "FALSE"
        case .instantMS(let milliseconds): Self.seconds(milliseconds)
        }
    }

    /// Epoch seconds with as many digits of the fraction as it has.
    private static func seconds(_ milliseconds: Int64) -> String {
        let whole = milliseconds.magnitude / 1_000
        var fraction = String(1_000 + milliseconds.magnitude % 1_000).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        let sign = milliseconds < 0 ? "-" : ""
        return fraction.isEmpty ? "\(sign)\(whole)" : "\(sign)\(whole).\(fraction)"
    }
}

extension FilterColumn: CustomStringConvertible {
    package var description: String { "\(dataset.spelling).\(name)" }
}
