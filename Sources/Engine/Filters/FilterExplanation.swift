import Primitives

/// What each part of a filter leaves, for one user and one set of values.
package struct FilterExplanation: Hashable, Sendable {
    /// Items that could be recommended without the filter.
    package var candidateCount: Int
    package var clauses: [Clause] = []

    package struct Clause: Hashable, Sendable {
        /// In normal form.
        package var text: String
        package var action: FilterAction
        /// Its IF part holds, and not all of its conditions were left out.
        package var isEffective: Bool
        /// The conditions that its AND joins.
        package var steps: [Step]
        /// Items that pass the chain up to and with this clause.
        package var eligibleCount: Int
    }

    package struct Step: Hashable, Sendable {
        /// In normal form.
        package var text: String
        /// Items that satisfy this condition and those before it.
        package var matchCount: Int
        /// It uses a parameter without a value, and does nothing.
        package var isOmitted: Bool
    }

    /// Items that pass the whole chain.
    package var eligibleCount: Int { clauses.last?.eligibleCount ?? candidateCount }
}

extension CheckedFilter {
    /// Counts what each part leaves; of filters of items.
    ///
    /// Compiles and evaluates one filter for each part: O(parts × items / 64), and where a
    /// condition is new to the group O(items).
    package func explanation(
        _ request: borrowing FilterRequest,
        _ scratch: FilterScratch
    ) -> FilterExplanation {
        precondition(expression.target == .item, "only items are candidates of a request")
        var explanation = FilterExplanation(
            candidateCount: request.root.candidates.count
        )
        let isOmitted = { [arguments = request.arguments] (name: String) in
            arguments.values[name] == nil
        }
        for (index, clause) in expression.clauses.enumerated() {
            var steps: [FilterExplanation.Step] = []
            var joined: [FilterCondition] = []
            for condition in clause.condition.conjuncts {
                joined.append(condition)
                steps.append(
                    .init(
                        text: condition.description,
                        matchCount: count([Self.keeping(joined)], request, scratch),
                        isOmitted: condition.without(omitted: isOmitted) == nil
                    )
                )
            }
            explanation.clauses.append(
                .init(
                    text: clause.description,
                    action: clause.action,
                    isEffective: holds(clause, request, scratch)
                        && !steps.allSatisfy(\.isOmitted),
                    steps: steps,
                    eligibleCount: count(
                        Array(expression.clauses[...index]),
                        request,
                        scratch
                    )
                )
            )
        }
        return explanation
    }

    /// How many candidates pass a chain of clauses of this filter.
    private func count(
        _ clauses: [FilterClause],
        _ request: borrowing FilterRequest,
        _ scratch: FilterScratch
    ) -> Int {
        var candidates = request.root.candidates
        compiled(clauses, request).restrict(&candidates, request, scratch)
        return candidates.count
    }

    /// Whether the IF part of a clause holds.
    private func holds(
        _ clause: FilterClause,
        _ request: borrowing FilterRequest,
        _ scratch: FilterScratch
    ) -> Bool {
        let filter = compiled([clause], request)
        return FilterRun(filter, request, scratch).isEffective(filter.clauses[0])
    }

    private func compiled(
        _ clauses: [FilterClause],
        _ request: borrowing FilterRequest
    ) -> CompiledFilter {
        var part = self
        part.expression.clauses = clauses
        return CompiledFilter(part, layout: request.root.layout)
    }

    private static func keeping(_ joined: [FilterCondition]) -> FilterClause {
        FilterClause(
            action: .include,
            target: .item,
            condition: joined.count == 1 ? joined[0] : .and(joined)
        )
    }
}

extension FilterCondition {
    /// The conditions that its AND joins; itself, where there is none.
    fileprivate var conjuncts: [FilterCondition] {
        if case .and(let children) = self { return children }
        return [self]
    }
}
