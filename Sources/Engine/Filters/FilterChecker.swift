import Primitives

/// Finds and types the columns and parameters of an expression.
///
/// Tells all errors at once: it goes on behind each.
struct FilterChecker {
    private let schemas: FilterSchemas
    private(set) var errors: [FilterError] = []
    private(set) var columns: [FilterColumn: FilterColumnInfo] = [:]
    private var parameters: [String: FilterParameter] = [:]
    private var parameterNames: [String] = []
    /// What stands where, for the rules of the place.
    private var target = FilterTarget.item
    private var action = FilterAction.include
    private var isRequirement = false

    private let columnsMax: Int

    init(_ schemas: FilterSchemas, columnsMax: Int) {
        self.schemas = schemas
        self.columnsMax = columnsMax
    }

    mutating func check(_ expression: FilterExpression) -> FilterExpression {
        FilterExpression(
            clauses: expression.clauses.map { clause in
                var clause = clause
                target = clause.target
                action = clause.action
                isRequirement = false
                clause.condition = check(clause.condition)
                isRequirement = true
                clause.requirement = clause.requirement.map { check($0) }
                return clause
            }
        )
    }

    /// The parameters by first appearance in the normal form.
    var orderedParameters: [FilterParameter] { parameterNames.compactMap { parameters[$0] } }

    mutating func fail(
        _ code: FilterError.Code,
        _ message: String,
        at range: SourceRange,
        hint: String = ""
    ) {
        errors.append(FilterError(code, range, message, hint: hint))
    }

    // MARK: Conditions

    private mutating func check(_ condition: FilterCondition) -> FilterCondition {
        switch condition {
        case .and(let children): return .and(children.map { check($0) })
        case .or(let children): return .or(children.map { check($0) })
        case .not(let child): return .not(check(child))
        case .test(var test):
            checkPlace(of: test.column)
            if let info = resolve(test.column) {
                test.predicate = check(test.predicate, test.column, info)
            }
            return .test(test)
        case .interactions(var group):
            checkPlace(of: group)
            group.tests = group.tests.map { test in
                var test = test
                if let info = resolve(test.column) {
                    test.predicate = check(test.predicate, test.column, info)
                }
                return test
            }
            group.counts = group.counts.map { checkCount($0, group) }
            return .interactions(group)
        }
    }

    private mutating func checkPlace(of column: FilterColumn) {
        let dataset = column.dataset
        if dataset == .currentUser || dataset == .currentItem {
            checkCurrent(column)
            if isRequirement && dataset != .currentUser {
                fail(
                    .dataset,
                    "\(column) in an IF part; it is about CurrentUser only",
                    at: column.range
                )
            }
            return
        }
        if isRequirement {
            let hint = dataset == .users ? "did you mean CurrentUser.\(column.name)?" : ""
            fail(
                .dataset,
                "\(column) in an IF part; it is about CurrentUser only",
                at: column.range,
                hint: hint
            )
        } else if dataset != target.dataset {
            failTarget(dataset, column.range, "\(column)")
        }
    }

    private mutating func checkPlace(of group: InteractionGroup) {
        let range = group.tests.first?.column.range ?? group.range
        if isRequirement {
            fail(
                .dataset,
                "\(group.dataset.spelling) in an IF part; it is about CurrentUser only",
                at: range,
                hint: "join the condition by AND, before the IF"
            )
        } else if group.dataset != target.interactions {
            failTarget(group.dataset, range, group.dataset.spelling)
        }
    }

    private mutating func failTarget(
        _ dataset: FilterDataset,
        _ range: SourceRange,
        _ found: String
    ) {
        let hint =
            switch (dataset, target) {
            case (.users, .item), (.users, .action): "did you mean CurrentUser?"
            case (.interactions, .action): "did you mean Action_Interactions?"
            case (.actionInteractions, _): "did you mean Interactions?"
            default: ""
            }
        fail(
            .dataset,
            "\(found) in a filter of \(target.spelling), which is about "
                + "\(target.dataset.spelling) and \(target.interactions.spelling)",
            at: range,
            hint: hint
        )
    }

    /// A user segment is asked by nobody.
    private mutating func checkCurrent(_ column: FilterColumn) {
        if target == .user {
            fail(
                .dataset,
                "\(column) in a filter of UserID, which no user and no item asks for",
                at: column.range,
                hint: column.dataset == .currentUser ? "did you mean Users.\(column.name)?" : ""
            )
        } else if target == .action && column.dataset == .currentItem {
            fail(
                .dataset,
                "\(column) in a filter of ActionID, which no item asks for",
                at: column.range
            )
        }
    }

    // MARK: Columns

    private mutating func resolve(_ column: FilterColumn) -> FilterColumnInfo? {
        if let known = columns[column] { return known }
        guard let known = schemas.columns[column.dataset] else {
            fail(
                .dataset,
                "\(column) of a group without a dataset of \(column.dataset.stored)",
                at: column.range
            )
            return nil
        }
        guard let found = known[column.name] else {
            failUnknown(column, known)
            return nil
        }
        guard found.refusal.isEmpty else {
            fail(.notFilterable, "\(column): \(found.refusal)", at: column.range)
            return nil
        }
        columns[column] = found.info
        if columns.count == columnsMax + 1 {
            fail(
                .quota,
                "a filter of more than \(columnsMax) columns",
                at: column.range
            )
        }
        return found.info
    }

    private mutating func failUnknown(
        _ column: FilterColumn,
        _ known: [String: FilterSchemas.Column]
    ) {
        // Later ones are not told anyway, and each costs a look at every name.
        guard errors.count < Limits.filterErrorsMax else { return }
        var names = known.filter { $0.value.refusal.isEmpty }.keys.sorted()
        if column.dataset.isAboutInteractions { names.append(FilterParser.countName) }
        let shown = names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
        let nearest = NearestName.of(column.name, in: names)
        fail(
            .unknownColumn,
            "unknown column '\(FilterLexer.shown(column.name))'; "
                + "\(column.dataset.spelling) has \(shown)",
            at: column.range,
            hint: nearest.map { "did you mean \($0)?" } ?? ""
        )
    }

    /// Finds a column on the right-hand side of `left`; `nil` after an error.
    mutating func resolveOther(
        _ other: FilterColumn,
        _ left: FilterColumn
    ) -> FilterColumnInfo? {
        switch other.dataset {
        case .currentUser, .currentItem:
            checkCurrent(other)
        case .items where target == .item && left.dataset == .items,
            .users where target == .user && left.dataset == .users,
            .actions where target == .action && left.dataset == .actions:
            break
        case .items, .users, .actions, .interactions, .actionInteractions:
            let isCurrent = left.dataset == .currentUser || left.dataset == .currentItem
            fail(
                .dataset,
                "\(other) on the right of \(left); only columns of CurrentUser, CurrentItem and "
                    + "the same record can stand there",
                at: other.range,
                hint: isCurrent && other.dataset == target.dataset
                    ? "write \(other) on the left" : ""
            )
            return nil
        }
        if isRequirement && other.dataset != .currentUser {
            fail(
                .dataset,
                "\(other) in an IF part; it is about CurrentUser only",
                at: other.range
            )
            return nil
        }
        return resolve(other)
    }

    // MARK: Parameters

    mutating func note(
        _ name: String,
        _ type: FilterType,
        isListMember: Bool,
        at range: SourceRange
    ) {
        guard var known = parameters[name] else {
            if parameters.count == Limits.filterParametersMax {
                fail(
                    .quota,
                    "a filter of more than \(Limits.filterParametersMax) parameters",
                    at: range
                )
            }
            parameterNames.append(name)
            parameters[name] = FilterParameter(
                name: name,
                type: type,
                isList: isListMember,
                isRequired: action == .include,
                range: range
            )
            return
        }
        if known.type != type {
            fail(
                .parameter,
                "$\(name) stands for \(type.noun) here and for \(known.type.noun) before",
                at: range,
                hint: "give them different names"
            )
        }
        known.isList = known.isList && isListMember
        known.isRequired = known.isRequired || action == .include
        parameters[name] = known
    }
}

extension FilterTarget {
    /// Whose record its candidates have.
    var dataset: FilterDataset {
        switch self {
        case .item: .items
        case .user: .users
        case .action: .actions
        }
    }

    var interactions: FilterDataset { self == .action ? .actionInteractions : .interactions }
}

extension FilterDataset {
    /// The dataset that its records are stored in.
    var stored: String {
        switch self {
        case .currentUser: "Users"
        case .currentItem: "Items"
        case .items, .users, .actions, .interactions, .actionInteractions: spelling
        }
    }
}

extension FilterType {
    package var noun: String {
        switch self {
        case .text: "a string"
        case .number: "a number"
        case .boolean: "TRUE or FALSE"
        case .instant: "an instant in epoch seconds"
        }
    }

    /// The type of one of its values.
    var single: FilterType {
        if case .text = self { return .text(isMultiValued: false) }
        return self
    }
}
