import Primitives

extension FilterExpression {
    /// Reads an expression without looking at any schema.
    ///
    /// O(length). `Documentation/Filters.md` has the grammar and what each choice means.
    package init(
        parsing text: String,
        charactersMax: Int = Limits.filterCharactersMax
    ) throws(FilterErrors) {
        let parsed = FilterParser.parse(text, charactersMax: charactersMax)
        guard parsed.errors.isEmpty else { throw FilterErrors(parsed.errors) }
        self = parsed.expression
    }
}

extension CheckedFilter {
    /// Reads what somebody sends, within what the operator allows.
    package init(
        reading text: String,
        against schemas: FilterSchemas,
        within quotas: FilterQuotas
    ) throws(FilterErrors) {
        try self.init(
            parsing: text,
            against: schemas,
            charactersMax: quotas.charactersMax,
            columnsMax: quotas.columnsMax
        )
    }

    /// Reads an expression and checks it against the schemas of a group.
    ///
    /// O(length + columns). All errors are told at once, those of the words and those of the
    /// schemas.
    package init(
        parsing text: String,
        against schemas: FilterSchemas,
        charactersMax: Int = Limits.filterCharactersMax,
        columnsMax: Int = Limits.filterColumnsMax
    ) throws(FilterErrors) {
        let parsed = FilterParser.parse(text, charactersMax: charactersMax)
        var checker = FilterChecker(schemas, columnsMax: columnsMax)
        let checked = checker.check(parsed.expression)
        let errors = parsed.errors + checker.errors
        guard errors.isEmpty else {
            throw FilterErrors(Array(errors.prefix(Limits.filterErrorsMax)))
        }
        self.init(
            expression: checked,
            columns: checker.columns,
            parameters: checker.orderedParameters
        )
    }

    /// Whether it asks for the instant of the request.
    package var usesNow: Bool { any { $0.usesNow } }

    /// Whether its answer needs a user: their record, or their interactions.
    ///
    /// A filter of users needs none.
    package var needsUser: Bool {
        columns.keys.contains { $0.dataset == .currentUser }
            || (expression.target != .user && usesInteractions)
    }

    /// Whether its answer needs the item that the request names.
    package var needsItem: Bool {
        columns.keys.contains { $0.dataset == .currentItem }
    }

    package var usesInteractions: Bool {
        expression.clauses.contains { $0.condition.usesInteractions }
    }

    private func any(_ isSo: (FilterPredicate) -> Bool) -> Bool {
        expression.clauses.contains { clause in
            clause.condition.anyPredicate(isSo)
                || (clause.requirement?.anyPredicate(isSo) ?? false)
        }
    }
}

extension FilterCondition {
    package var usesInteractions: Bool {
        switch self {
        case .and(let children), .or(let children): children.contains { $0.usesInteractions }
        case .not(let child): child.usesInteractions
        case .test: false
        case .interactions: true
        }
    }

    /// Whether one of its predicates is so, those on counts included.
    package func anyPredicate(_ isSo: (FilterPredicate) -> Bool) -> Bool {
        switch self {
        case .and(let children), .or(let children): children.contains { $0.anyPredicate(isSo) }
        case .not(let child): child.anyPredicate(isSo)
        case .test(let test): isSo(test.predicate)
        case .interactions(let group):
            group.tests.contains { isSo($0.predicate) } || group.counts.contains(where: isSo)
        }
    }
}

extension FilterPredicate {
    package var usesNow: Bool {
        if case .within = self { return true }
        return operands.contains { operand in
            if case .now = operand.value { return true }
            return false
        }
    }
}
