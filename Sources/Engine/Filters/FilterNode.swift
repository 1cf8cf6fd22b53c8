import Primitives
import Resources

/// A compiled condition: what of it is the same for every request is a set of items.
indirect enum FilterNode: Sendable {
    case and([FilterNode])
    case or([FilterNode])
    case not(FilterNode)
    /// On item columns and constants only.
    case fixed(ItemSet)
    /// The parts of a `fixed`: one column, or two columns of the same record.
    case column(ColumnTest)
    case pair(ColumnPair)
    /// On an item column, with values of the request.
    case request(FilterTest)
    /// The parts of a test; nothing where a parameter of any of them was omitted.
    case whole(FilterTest, FilterNode)
    /// On the item's id.
    case identifier(FilterTest)
    /// On the user's or the current item's record: one answer for all candidates.
    case once(FilterTest)
    /// On the user's history.
    case interactions(InteractionGroup)

    /// Whether every request gets the same items.
    var isFixed: Bool {
        switch self {
        case .and(let children), .or(let children): children.allSatisfy(\.isFixed)
        case .not(let child): child.isFixed
        case .fixed, .column, .pair: true
        case .whole, .request, .identifier, .once, .interactions: false
        }
    }
}

extension FilterNode {
    /// The sets of items in it.
    var setCount: Int {
        switch self {
        case .and(let children), .or(let children): children.reduce(0) { $0 + $1.setCount }
        case .not(let child), .whole(_, let child): child.setCount
        case .fixed: 1
        case .column, .pair, .request, .identifier, .once, .interactions: 0
        }
    }

    /// Of the sets of items in it, and of what pairs of columns keep.
    var byteCount: Int {
        switch self {
        case .and(let children), .or(let children): children.reduce(0) { $0 + $1.byteCount }
        case .not(let child), .whole(_, let child): child.byteCount
        case .fixed(let set): set.byteCount
        case .pair(let pair): pair.byteCount
        case .column, .request, .identifier, .once, .interactions: 0
        }
    }
}

/// Makes nodes of checked conditions.
struct FilterCompiler {
    let columns: [FilterColumn: FilterColumnInfo]
    private let constants: PredicateResolver

    init(_ checked: CheckedFilter) {
        columns = checked.columns
        constants = PredicateResolver(
            columns: checked.columns,
            arguments: FilterArguments(),
            nowMS: 0,
            user: nil,
            currentItem: nil
        )
    }

    /// The node of a condition, its fixed parts folded into as few sets as possible.
    func compile(_ condition: FilterCondition) -> FilterNode {
        let node = node(condition)
        return node.isFixed ? fixed(node) : fold(node)
    }

    private func node(_ condition: FilterCondition) -> FilterNode {
        switch condition {
        case .and(let children): .and(children.map { node($0) })
        case .or(let children): .or(children.map { node($0) })
        case .not(let child): .not(node(child))
        case .test(let test): leaf(test)
        case .interactions(let group): .interactions(group)
        }
    }

    private func leaf(_ test: FilterTest) -> FilterNode {
        guard let info = columns[test.column], test.column.dataset == .items else {
            return .once(test)
        }
        let operands = test.predicate.operands
        if operands.contains(where: { isColumn($0, of: .items) }) { return pairs(test, info) }
        if info.place == .identifier { return .identifier(test) }
        if operands.allSatisfy({ isLiteral($0) }), !test.predicate.usesNow {
            let predicate = constants.resolve(test.predicate, of: info)
            let node = FilterNode.column(ColumnTest(info, predicate))
            return predicate.isNegated ? .not(node) : node
        }
        return .request(test)
    }

    /// A test that names another column of the same record.
    private func pairs(_ test: FilterTest, _ info: FilterColumnInfo) -> FilterNode {
        func part(_ comparison: FilterComparison, _ operand: FilterOperand) -> FilterNode {
            var part = test
            part.predicate = .compare(comparison, operand)
            guard case .column(let column) = operand.value, column.dataset == .items,
                let other = columns[column]
            else { return leaf(part) }
            if comparison == .notEqual { return .not(.pair(ColumnPair(info, .equal, other))) }
            return .pair(ColumnPair(info, comparison, other))
        }
        switch test.predicate {
        case .compare(let comparison, let operand): return part(comparison, operand)
        case .between(let low, let high, let isNegated):
            let both = FilterNode.and([part(.greaterOrEqual, low), part(.lessOrEqual, high)])
            let node = isNegated ? .not(both) : both
            return test.predicate.parameters.isEmpty ? node : .whole(test, node)
        case .isIn(_, let isNegated):
            let any = FilterNode.or(test.predicate.operands.map { part(.equal, $0) })
            return isNegated ? .not(any) : any
        case .isNull, .within:
            preconditionFailure("no column is named")
        }
    }

    private func isLiteral(_ operand: FilterOperand) -> Bool {
        if case .literal = operand.value { return true }
        return false
    }

    private func isColumn(_ operand: FilterOperand, of dataset: FilterDataset) -> Bool {
        if case .column(let column) = operand.value { return column.dataset == dataset }
        return false
    }

    /// Joins the fixed children of a node that is not fixed as a whole.
    private func fold(_ node: FilterNode) -> FilterNode {
        switch node {
        case .and(let children): .and(fold(children) { .and($0) })
        case .or(let children): .or(fold(children) { .or($0) })
        case .not(let child): .not(fold(child))
        case .whole(let test, let child): .whole(test, fold(child))
        case .fixed, .column, .pair: fixed(node)
        case .request, .identifier, .once, .interactions: node
        }
    }

    private func fold(
        _ children: [FilterNode],
        _ join: ([FilterNode]) -> FilterNode
    ) -> [FilterNode] {
        let steady = children.filter(\.isFixed)
        let others = children.filter { !$0.isFixed }.map { fold($0) }
        guard let first = steady.first else { return others }
        return [fixed(steady.count > 1 ? join(steady) : first)] + others
    }

    private func fixed(_ node: FilterNode) -> FilterNode {
        if case .fixed = node { return node }
        return .fixed(ItemSet(node, isSparseAllowed: false))
    }
}
