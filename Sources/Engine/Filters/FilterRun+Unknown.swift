import Resources

/// Ids that no item has: all but the id is null, and no interaction is about it.
extension CompiledFilter {
    /// Those of `ids` that pass, where no item of the group is named so.
    ///
    /// One condition after the other, since there is no column that they are in.
    package func passing(
        _ ids: [String],
        _ request: borrowing FilterRequest,
        _ scratch: FilterScratch
    ) -> [String] {
        let run = FilterRun(self, request, scratch)
        return ids.filter { run.passes(unknown: $0) }
    }
}

extension FilterRun {
    fileprivate func passes(unknown id: String) -> Bool {
        let record = EntityRecord(id: id, properties: RecordProperties())
        var isIncluded: Bool?
        for (clause, checked) in zip(filter.clauses, filter.checked.expression.clauses)
        where isEffective(clause) {
            let truth = truth(of: checked.condition, for: record)
            switch clause.action {
            case .include: isIncluded = Self.either(isIncluded, truth)
            case .exclude: if truth ?? false { return false }
            }
        }
        return isIncluded ?? true
    }

    /// `nil` where the condition does nothing, for want of a parameter.
    private func truth(of condition: FilterCondition, for record: EntityRecord) -> Bool? {
        switch condition {
        case .and(let children):
            let truths = children.compactMap { truth(of: $0, for: record) }
            return truths.isEmpty ? nil : truths.allSatisfy { $0 }
        case .or(let children):
            return children.reduce(nil) { Self.either($0, truth(of: $1, for: record)) }
        case .not(let child): return truth(of: child, for: record).map { !$0 }
        case .test(let test):
            guard test.column.dataset == .items else { return truth(of: evaluate(.once(test))) }
            guard !isOmitted(test.predicate), let info = filter.checked.columns[test.column] else {
                return nil
            }
            return resolver.resolve(test.predicate, of: info, row: record)
                .holds(FilterDatum(record, info))
        case .interactions(let group): return truthWithoutInteractions(of: group)
        }
    }

    private func truth(of outcome: Outcome) -> Bool? {
        switch outcome {
        case .nothing: nil
        case .all: true
        case .none, .items: false
        }
    }

    private static func either(_ left: Bool?, _ right: Bool?) -> Bool? {
        guard let left, let right else { return left ?? right }
        return left || right
    }
}
