/// An expression that was checked against the schemas of a group: every column found and typed,
/// every literal converted to its column's type, every parameter typed.
///
/// It holds for the schemas it was checked against and for all that add columns to them.
package struct CheckedFilter: Hashable, Sendable {
    /// In normal form.
    ///
    /// Literals are `string` for columns of text, `number`, `boolean`, or
    /// `instantMS` for columns of instants.
    package var expression: FilterExpression
    package var columns: [FilterColumn: FilterColumnInfo]
    /// In the order of their first appearance in the normal form.
    package var parameters: [FilterParameter]

    package init(
        expression: FilterExpression,
        columns: [FilterColumn: FilterColumnInfo],
        parameters: [FilterParameter]
    ) {
        self.expression = expression
        self.columns = columns
        self.parameters = parameters
    }
}

/// Where a column's values are and what they are.
package struct FilterColumnInfo: Hashable, Sendable {
    package enum Place: Hashable, Sendable {
        /// The id of the item, user or action.
        case identifier
        /// `CREATION_TIMESTAMP`: `EntityRecord.createdAt`.
        case creationTimestamp
        /// Of an interaction; types are compared with case folded, as the engine stores them.
        case eventType
        case eventValue
        case timestamp
        /// Index in `Schema.ownColumns` and `RecordProperties.values`.
        case own(Int)
    }

    package var place: Place
    package var type: FilterType

    package init(place: Place, type: FilterType) {
        self.place = place
        self.type = type
    }
}

/// What kind of values a column has and a parameter stands for.
package enum FilterType: Hashable, Sendable {
    /// Compared byte by byte. Multi-valued: the parts between `|` are the values.
    case text(isMultiValued: Bool)
    case number
    case boolean
    /// To the millisecond; written as epoch seconds.
    case instant
}

/// A `$NAME` of an expression.
package struct FilterParameter: Hashable, Sendable {
    package var name: String
    /// Never multi-valued.
    package var type: FilterType
    /// Stands in IN lists only, so that it may have several values.
    package var isList: Bool
    /// Stands in an INCLUDE: a request must give it.
    ///
    /// Otherwise the conditions that use it do nothing without it.
    package var isRequired: Bool
    /// Its first appearance.
    package var range: SourceRange

    package init(
        name: String,
        type: FilterType,
        isList: Bool,
        isRequired: Bool,
        range: SourceRange = .none
    ) {
        self.name = name
        self.type = type
        self.isList = isList
        self.isRequired = isRequired
        self.range = range
    }
}

/// The values of one request's parameters, converted to their types.
package struct FilterArguments: Hashable, Sendable {
    /// By name.
    ///
    /// A parameter that is not here was omitted: a condition that uses it does nothing.
    package var values: [String: [FilterLiteral]]

    package init(values: [String: [FilterLiteral]] = [:]) {
        self.values = values
    }
}

extension FilterCondition {
    /// The condition without the parts that use a parameter which was omitted.
    ///
    /// - Returns: `nil` when nothing remains, so that the condition does nothing.
    package func without(omitted isOmitted: (String) -> Bool) -> FilterCondition? {
        switch self {
        case .and(let children):
            let kept = children.compactMap { $0.without(omitted: isOmitted) }
            return kept.count > 1 ? .and(kept) : kept.first
        case .or(let children):
            let kept = children.compactMap { $0.without(omitted: isOmitted) }
            return kept.count > 1 ? .or(kept) : kept.first
        case .not(let child):
            return child.without(omitted: isOmitted).map { .not($0) }
        case .test(let test):
            return test.predicate.parameters.contains(where: isOmitted) ? nil : self
        case .interactions(var group):
            group.tests.removeAll { $0.predicate.parameters.contains(where: isOmitted) }
            group.counts.removeAll { $0.parameters.contains(where: isOmitted) }
            return group.tests.isEmpty && group.counts.isEmpty ? nil : .interactions(group)
        }
    }
}

extension FilterPredicate {
    /// The operands of the right-hand side, members of a set included.
    package var operands: [FilterOperand] {
        switch self {
        case .isIn(.members(let members), _): members
        case .isIn(.column(let column), _): [FilterOperand(.column(column), range: column.range)]
        case .isIn(.any, _), .isNull, .within: []
        case .compare(_, let operand): [operand]
        case .between(let low, let high, _): [low, high]
        }
    }

    /// The names of the parameters it uses.
    package var parameters: [String] {
        operands.compactMap { operand in
            if case .parameter(let name) = operand.value { return name }
            return nil
        }
    }
}
