import Primitives
import Resources

/// Fills in what a predicate is compared with: parameters, the clock, other records' columns.
struct PredicateResolver {
    let columns: [FilterColumn: FilterColumnInfo]
    let arguments: FilterArguments
    /// The instant of the request.
    let nowMS: Int64
    let user: EntityRecord?
    let currentItem: EntityRecord?

    /// The predicate on a column of `info`; `row` is the candidate's record, where an operand may
    /// be a column of it.
    func resolve(
        _ predicate: FilterPredicate,
        of info: FilterColumnInfo,
        row: EntityRecord? = nil
    ) -> ResolvedPredicate {
        switch predicate {
        case .isNull(let isNegated): return .anything(isNegated: !isNegated)
        case .isIn(.any, let isNegated): return .anything(isNegated: isNegated)
        case .isIn(_, let isNegated):
            let operands = predicate.operands
            if info.place == .eventType && operands.contains(where: { $0.value == .anyType }) {
                return .anything(isNegated: isNegated)
            }
            return members(operands, of: info, row: row, isNegated: isNegated)
        case .compare(.equal, let operand):
            return members([operand], of: info, row: row, isNegated: false)
        case .compare(.notEqual, let operand):
            return members([operand], of: info, row: row, isNegated: true)
        case .compare(let comparison, let operand):
            let values = numbers(operand, of: info, row: row)
            return .numbers(values.map { NumberRange(comparison, $0) }, isNegated: false)
        case .between(let low, let high, let isNegated):
            guard let low = numbers(low, of: info, row: row).first,
                let high = numbers(high, of: info, row: row).first
            else { return .numbers([], isNegated: isNegated) }
            let range = NumberRange(
                lower: .init(value: low, isIncluded: true),
                upper: .init(value: high, isIncluded: true)
            )
            return .numbers([range], isNegated: isNegated)
        case .within(let milliseconds):
            let start = number(instant: nowMS &- milliseconds, as: info.type)
            return .numbers([NumberRange(.greaterOrEqual, start)], isNegated: false)
        }
    }

    private func members(
        _ operands: [FilterOperand],
        of info: FilterColumnInfo,
        row: EntityRecord?,
        isNegated: Bool
    ) -> ResolvedPredicate {
        if case .text = info.type {
            var texts = operands.flatMap { self.texts($0, row: row) }
            if info.place == .eventType {
                // A parameter may stand for any type, as a literal may.
                if operands.contains(where: { isAny($0) }) {
                    return .anything(isNegated: isNegated)
                }
                texts = texts.map { $0.lowercased() }
            }
            return .texts(texts, isNegated: isNegated)
        }
        let ranges = operands.flatMap { numbers($0, of: info, row: row) }
            .map { NumberRange(.equal, $0) }
        return .numbers(ranges, isNegated: isNegated)
    }

    // MARK: Operands

    private func isAny(_ operand: FilterOperand) -> Bool {
        guard case .parameter(let name) = operand.value else { return false }
        return arguments.values[name]?.contains(.string("*")) ?? false
    }

    private func texts(_ operand: FilterOperand, row: EntityRecord?) -> [String] {
        switch operand.value {
        case .literal(let literal): Self.text(literal).map { [$0] } ?? []
        case .parameter(let name): (arguments.values[name] ?? []).compactMap { Self.text($0) }
        case .column(let column):
            if case .texts(let parts) = datum(column, row: row) { parts } else { [] }
        case .now: []
        }
    }

    private static func text(_ literal: FilterLiteral) -> String? {
        if case .string(let text) = literal { return text }
        return nil
    }

    private func numbers(
        _ operand: FilterOperand,
        of info: FilterColumnInfo,
        row: EntityRecord?
    ) -> [FilterNumber] {
        switch operand.value {
        case .literal(let literal): return number(literal).map { [$0] } ?? []
        case .parameter(let name):
            return (arguments.values[name] ?? []).compactMap { number($0) }
        case .now(let offsetMS): return [number(instant: nowMS &+ offsetMS, as: info.type)]
        case .column(let column):
            guard case .number(let number) = datum(column, row: row) else { return [] }
            return [number]
        }
    }

    private func number(_ literal: FilterLiteral) -> FilterNumber? {
        switch literal {
        case .number(let number): number
        case .boolean(let flag): FilterNumber(flag ? 1 : 0)
        case .instantMS(let milliseconds): FilterNumber(milliseconds)
        case .string: nil
        }
    }

    /// An instant as a column of `type` would hold it: a number's is in seconds.
    private func number(instant milliseconds: Int64, as type: FilterType) -> FilterNumber {
        type == .instant
            ? FilterNumber(milliseconds)
            : FilterNumber(epochMilliseconds: milliseconds)
    }

    private func datum(_ column: FilterColumn, row: EntityRecord?) -> FilterDatum {
        guard let info = columns[column] else { return .null }
        return switch column.dataset {
        case .currentUser: FilterDatum(user, info)
        case .currentItem: FilterDatum(currentItem, info)
        case .items, .users, .actions: FilterDatum(row, info)
        case .interactions, .actionInteractions: .null
        }
    }
}
