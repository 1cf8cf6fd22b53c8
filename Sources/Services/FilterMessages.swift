import Engine
import Primitives
import Wire

extension FilterValueEntryView {
    /// The values of the parameter that `key` names.
    var texts: [String] {
        guard hasValue else { return [] }
        let value = self.value
        return (0..<value.valuesCount).map { value.values($0).string }
    }
}

extension FilterProblemBuilder {
    /// Writes an error of `expression`, or of the values for its parameters.
    func write(_ error: FilterError, in expression: String) {
        offsetBytes(UInt32(clamping: error.offset))
        lengthBytes(UInt32(clamping: error.count))
        message(error.message)
        hint(error.hint)
        if error.code != .length {
            caretLines(error.caretLines(in: expression).joined(separator: "\n"))
        }
        parameter(error.parameter)
    }
}

extension FilterExplanationBuilder {
    func write(_ explanation: FilterExplanation, _ position: LogPosition) {
        candidateCount(UInt64(explanation.candidateCount))
        for clause in explanation.clauses {
            clauses { message in
                message.clause(clause.text)
                message.excludes(clause.action == .exclude)
                message.effective(clause.isEffective)
                for step in clause.steps {
                    message.steps { one in
                        one.condition(step.text)
                        one.matchCount(UInt64(step.matchCount))
                        one.omitted(step.isOmitted)
                    }
                }
                message.eligibleCount(UInt64(clause.eligibleCount))
            }
        }
        eligibleCount(UInt64(explanation.eligibleCount))
        self.position(position.rawValue)
    }
}

extension ValidateFilterResponseBuilder {
    /// Writes what is wrong with an expression, or with the values for it.
    func write(_ errors: [FilterError], in expression: String) {
        for error in errors { problems { $0.write(error, in: expression) } }
    }

    /// Writes what a correct expression is.
    func write(_ filter: CheckedFilter) {
        normalForm(filter.expression.description)
        target(filter.expression.target.wire)
        let columns = filter.columns.sorted { left, right in
            left.key.description < right.key.description
        }
        for (column, info) in columns {
            self.columns { message in
                message.dataset(column.dataset.spelling)
                message.name(column.name)
                message.type(info.type.wire)
                message.multiValued(info.type == .text(isMultiValued: true))
            }
        }
        for parameter in filter.parameters {
            parameters { message in
                message.name(parameter.name)
                message.type(parameter.type.wire)
                message.list(parameter.isList)
                message.required(parameter.isRequired)
            }
        }
        needsUser(filter.needsUser)
        needsItem(filter.needsItem)
    }
}

extension FilterTarget {
    var wire: FilterTargetValue {
        switch self {
        case .item: .item
        case .user: .user
        case .action: .action
        }
    }
}

extension FilterType {
    var wire: FilterValueTypeValue {
        switch self {
        case .text: .text
        case .number: .number
        case .boolean: .boolean
        case .instant: .instant
        }
    }
}
