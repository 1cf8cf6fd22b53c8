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
    /// Compiles and evaluates each condition by itself: O(conditions × items).
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
        // What no EXCLUDE so far has taken, and what any INCLUDE so far lets through.
        var remaining = request.root.candidates
        var included: ItemBitmap?
        for clause in expression.clauses {
            var steps: [FilterExplanation.Step] = []
            var matching = request.root.candidates
            for condition in clause.condition.conjuncts {
                compiled([Self.keeping(condition)], request)
                    .restrict(&matching, request, scratch)
                steps.append(
                    .init(
                        text: condition.description,
                        matchCount: matching.count,
                        isOmitted: condition.without(omitted: isOmitted) == nil
                    )
                )
            }
            let isEffective =
                holds(clause, request, scratch) && !steps.allSatisfy(\.isOmitted)
            if isEffective {
                switch clause.action {
                case .include:
                    if let others = included { Words.or(&matching.words, others.words) }
                    included = matching
                case .exclude: Words.andNot(&remaining.words, matching.words)
                }
            }
            var eligible = remaining
            if let included { Words.and(&eligible.words, included.words) }
            explanation.clauses.append(
                .init(
                    text: clause.description,
                    action: clause.action,
                    isEffective: isEffective,
                    steps: steps,
                    eligibleCount: eligible.count
                )
            )
        }
        return explanation
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

    private static func keeping(_ condition: FilterCondition) -> FilterClause {
        FilterClause(action: .include, target: .item, condition: condition)
    }
}

extension FilterCondition {
    /// The conditions that its AND joins; itself, where there is none.
    fileprivate var conjuncts: [FilterCondition] {
        if case .and(let children) = self { return children }
        return [self]
    }
}
