/// A parsed filter: a chain of clauses whose order has no meaning.
///
/// A candidate passes when at least one effective INCLUDE keeps it (or none is effective) and no
/// effective EXCLUDE drops it. A clause is effective when its IF part holds for the user who asks.
/// Two expressions are equal when their normal forms are: places in the source do not count.
package struct FilterExpression: Hashable, Sendable {
    package var clauses: [FilterClause]

    package init(clauses: [FilterClause]) {
        self.clauses = clauses
    }

    /// What the filter is about; every clause of a chain has the same target.
    package var target: FilterTarget { clauses.first?.target ?? .item }
}

/// One `INCLUDE … WHERE … IF …` of a chain.
package struct FilterClause: Hashable, Sendable {
    package var action: FilterAction
    package var target: FilterTarget
    package var condition: FilterCondition
    /// The IF part: about the requesting user only.
    package var requirement: FilterCondition?
    package var range: SourceRange

    package init(
        action: FilterAction,
        target: FilterTarget,
        condition: FilterCondition,
        requirement: FilterCondition? = nil,
        range: SourceRange = .none
    ) {
        self.action = action
        self.target = target
        self.condition = condition
        self.requirement = requirement
        self.range = range
    }
}

package enum FilterAction: UInt8, Hashable, Sendable {
    case include, exclude
}

/// What a filter's candidates are.
package enum FilterTarget: UInt8, Hashable, Sendable {
    case item, user, action
}

/// A tree of conditions in two-valued logic.
///
/// In normal form `and` and `or` have at least two children, none of their own kind; `not` never
/// holds a `not`.
package indirect enum FilterCondition: Hashable, Sendable {
    case and([FilterCondition])
    case or([FilterCondition])
    case not(FilterCondition)
    /// About the candidate's record, the requesting user's, or the current item's.
    case test(FilterTest)
    /// About one interaction of the requesting user (of the candidate, in a UserID filter).
    case interactions(InteractionGroup)
}

/// Tests that one and the same interaction must satisfy, and how many such interactions there are.
///
/// Of an item filter: the interactions of the requesting user with the candidate. Of an action
/// filter: the user's interactions with the candidate action. Of a user filter: all interactions of
/// the candidate.
package struct InteractionGroup: Hashable, Sendable {
    /// `interactions` or `actionInteractions`.
    package var dataset: FilterDataset
    /// Joined by AND, all about the same interaction; their columns are of `dataset`.
    package var tests: [FilterTest]
    /// What the number of interactions that satisfy all `tests` must satisfy, joined by AND.
    ///
    /// Empty: at least one. Otherwise 0 is a number too: `COUNT = 0` holds for a candidate without
    /// such an interaction.
    package var counts: [FilterPredicate]
    package var range: SourceRange

    package init(
        dataset: FilterDataset = .interactions,
        tests: [FilterTest],
        counts: [FilterPredicate] = [],
        range: SourceRange = .none
    ) {
        self.dataset = dataset
        self.tests = tests
        self.counts = counts
        self.range = range
    }
}

/// One column and what is asked of its value.
package struct FilterTest: Hashable, Sendable {
    package var column: FilterColumn
    package var predicate: FilterPredicate
    package var range: SourceRange

    package init(
        column: FilterColumn,
        predicate: FilterPredicate,
        range: SourceRange = .none
    ) {
        self.column = column
        self.predicate = predicate
        self.range = range
    }
}

/// What is asked of a value.
///
/// A null value, on either side, makes `isIn`, comparisons but `!=`, BETWEEN and WITHIN false; the
/// negated forms are the negation of the result, and so true.
package enum FilterPredicate: Hashable, Sendable {
    /// Any part of the value equals any member.
    case isIn(FilterSet, isNegated: Bool)
    case compare(FilterComparison, FilterOperand)
    /// Both bounds belong to it.
    case between(FilterOperand, FilterOperand, isNegated: Bool)
    case isNull(isNegated: Bool)
    /// Not before NOW minus this many milliseconds; there is no upper bound.
    case within(milliseconds: Int64)
}

package enum FilterComparison: UInt8, Hashable, Sendable, CaseIterable {
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
}

/// The right-hand side of IN.
package enum FilterSet: Hashable, Sendable {
    /// `*` or `"*"` on `EVENT_TYPE`: any type.
    case any
    /// Literals and parameters, mixed; a parameter stands for all its values.
    ///
    /// On `EVENT_TYPE` a `"*"` among them is any type, and stands beside parameters only.
    case members([FilterOperand])
    /// The parts of another record's value: `Items.GENRE IN CurrentItem.GENRE`.
    case column(FilterColumn)
}

/// A value to compare with, and where it stands.
package struct FilterOperand: Hashable, Sendable {
    package enum Value: Hashable, Sendable {
        /// `"*"`; in a list for `EVENT_TYPE` any type.
        package static let anyType = Value.literal(.string("*"))

        case literal(FilterLiteral)
        /// Its name, without the `$`.
        case parameter(String)
        case column(FilterColumn)
        /// The instant of the request plus an offset; as a number, epoch seconds.
        case now(offsetMS: Int64)
    }

    package var value: Value
    package var range: SourceRange

    package init(_ value: Value, range: SourceRange = .none) {
        self.value = value
        self.range = range
    }

    var isParameter: Bool {
        if case .parameter = value { true } else { false }
    }
}

package enum FilterLiteral: Hashable, Sendable {
    case string(String)
    case number(FilterNumber)
    case boolean(Bool)
    /// Compared with a column of instants; written as epoch seconds.
    ///
    /// `FilterChecker` makes it of a number: a parser never does.
    case instantMS(Int64)
}

/// A column as an expression names it.
package struct FilterColumn: Hashable, Sendable {
    package var dataset: FilterDataset
    /// As in the schema, such as `GENRE`.
    package var name: String
    package var range: SourceRange

    package init(_ dataset: FilterDataset, _ name: String, range: SourceRange = .none) {
        self.dataset = dataset
        self.name = name
        self.range = range
    }
}

/// Where a column's value comes from.
package enum FilterDataset: UInt8, Hashable, Sendable, CaseIterable {
    /// The candidate's record, in a filter of its target.
    case items, users, actions
    case interactions, actionInteractions
    /// The record of the user who asks.
    case currentUser
    /// The record of the item that the request names.
    case currentItem

    /// As it is written in an expression.
    package var spelling: String {
        switch self {
        case .items: "Items"
        case .users: "Users"
        case .actions: "Actions"
        case .interactions: "Interactions"
        case .actionInteractions: "Action_Interactions"
        case .currentUser: "CurrentUser"
        case .currentItem: "CurrentItem"
        }
    }
}

/// Where something stands in the text of an expression, in bytes.
///
/// All ranges are equal, so that expressions are compared by what they say.
package struct SourceRange: Hashable, Sendable {
    package var offset: Int
    package var count: Int

    package init(offset: Int, count: Int) {
        self.offset = offset
        self.count = count
    }

    package init(_ start: Int, upTo end: Int) {
        self.init(offset: start, count: end - start)
    }

    package static let none = SourceRange(offset: 0, count: 0)

    package var end: Int { offset + count }

    package static func == (left: Self, right: Self) -> Bool { true }

    package func hash(into hasher: inout Hasher) {}
}
