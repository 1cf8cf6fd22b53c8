package import Engine
package import Primitives

/// What a filter says of one candidate, worked out word by word from plain facts.
///
/// The oracle for whatever is faster: it shares no code with the compiled evaluation but the values
/// of an expression. `nil` as a truth is a condition that does nothing.
package struct NaiveFilter {
    package let filter: CheckedFilter
    /// The values of the parameters; those that are not here were omitted.
    package var arguments: FilterArguments
    package var now: Timestamp
    /// Who asks.
    package var user: Subject
    /// The item that the request names.
    package var currentItem: Subject

    /// An item, a user or an action: its id, and its record where it has one.
    package struct Subject {
        package var id: String?
        package var record: EntityRecord?

        package init(id: String? = nil, record: EntityRecord? = nil) {
            self.id = id
            self.record = record
        }
    }

    package init(
        _ filter: CheckedFilter,
        arguments: FilterArguments = FilterArguments(),
        now: Timestamp,
        user: Subject = Subject(),
        currentItem: Subject = Subject()
    ) {
        self.filter = filter
        self.arguments = arguments
        self.now = now
        self.user = user
        self.currentItem = currentItem
    }

    /// Whether the candidate, an item or what the filter's target is, may be in the answer.
    ///
    /// `events` are the user's events with this item or action; of a filter of users, all events of
    /// the candidate.
    package func passes(_ candidate: Subject, events: [EventRecord]) -> Bool {
        var isRestricted = false
        var isIncluded = false
        for clause in filter.expression.clauses {
            if let requirement = clause.requirement,
                truth(requirement, candidate, events) == false
            {
                continue
            }
            guard let isTrue = truth(clause.condition, candidate, events) else { continue }
            switch clause.action {
            case .include:
                isRestricted = true
                isIncluded = isIncluded || isTrue
            case .exclude:
                if isTrue { return false }
            }
        }
        return !isRestricted || isIncluded
    }

    /// Whether one condition holds; `nil` when it does nothing.
    package func truth(
        _ condition: FilterCondition,
        _ candidate: Subject,
        _ events: [EventRecord]
    ) -> Bool? {
        switch condition {
        case .and(let children):
            let known = children.compactMap { truth($0, candidate, events) }
            return known.isEmpty ? nil : !known.contains(false)
        case .or(let children):
            let known = children.compactMap { truth($0, candidate, events) }
            return known.isEmpty ? nil : known.contains(true)
        case .not(let child):
            return truth(child, candidate, events).map { !$0 }
        case .test(let test):
            if isOmitted(test.predicate) { return nil }
            return holds(test.predicate, value(test.column, candidate), candidate)
        case .interactions(let group):
            let tests = group.tests.filter { !isOmitted($0.predicate) }
            let counts = group.counts.filter { !isOmitted($0) }
            if tests.isEmpty && counts.isEmpty { return nil }
            let matching = events.filter { event in
                tests.allSatisfy { holds($0.predicate, value($0.column, event), candidate) }
            }
            if counts.isEmpty { return !matching.isEmpty }
            let count = Value.number(FilterNumber(Int64(matching.count)))
            return counts.allSatisfy { holds($0, count, candidate) }
        }
    }

    private func isOmitted(_ predicate: FilterPredicate) -> Bool {
        predicate.operands.contains { operand in
            if case .parameter(let name) = operand.value { return arguments.values[name] == nil }
            return false
        }
    }

    // MARK: Values

    private enum Value {
        case null
        /// At least one part.
        case texts([String])
        /// An event type, in lower case.
        case eventType(String)
        case anyType
        case number(FilterNumber)
        case boolean(Bool)
        case instant(Int64)

        func equals(_ other: Value) -> Bool {
            switch (self, other) {
            case (.texts(let left), .texts(let right)):
                left.contains { part in right.contains { Array($0.utf8) == Array(part.utf8) } }
            case (.eventType, .anyType): true
            case (.eventType(let type), .texts(let texts)):
                texts.contains { $0.lowercased() == type }
            case (.number(let left), .number(let right)): left == right
            case (.boolean(let left), .boolean(let right)): left == right
            case (.instant(let left), .instant(let right)): left == right
            default: false
            }
        }

        /// `nil` when there is no order between them.
        func isLess(than other: Value) -> Bool? {
            switch (self, other) {
            case (.number(let left), .number(let right)): left < right
            case (.instant(let left), .instant(let right)): left < right
            default: nil
            }
        }
    }

    private func value(_ column: FilterColumn, _ candidate: Subject) -> Value {
        switch column.dataset {
        case .currentUser: value(column, of: user)
        case .currentItem: value(column, of: currentItem)
        case .items, .users, .actions, .interactions, .actionInteractions:
            value(column, of: candidate)
        }
    }

    private func value(_ column: FilterColumn, of subject: Subject) -> Value {
        guard let info = filter.columns[column] else { return .null }
        switch info.place {
        case .identifier: return subject.id.map { .texts([$0]) } ?? .null
        case .creationTimestamp:
            return subject.record?.createdAt.map { .instant($0.milliseconds) } ?? .null
        case .own(let index):
            guard let values = subject.record?.properties.values, index < values.count else {
                return .null
            }
            return value(values[index], info.type)
        case .eventType, .eventValue, .timestamp: return .null
        }
    }

    private func value(_ column: FilterColumn, _ event: EventRecord) -> Value {
        guard let info = filter.columns[column] else { return .null }
        switch info.place {
        case .eventType: return .eventType(event.eventType.lowercased())
        case .eventValue:
            return event.eventValue.flatMap { FilterNumber($0) }.map { .number($0) } ?? .null
        case .timestamp: return .instant(event.occurredAt.milliseconds)
        case .own(let index):
            let values = event.properties.values
            return index < values.count ? value(values[index], info.type) : .null
        case .identifier, .creationTimestamp: return .null
        }
    }

    private func value(_ property: PropertyValue, _ type: FilterType) -> Value {
        switch property {
        case .null: return .null
        case .string(let text):
            if type == .text(isMultiValued: true) {
                return .texts(
                    text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
                )
            }
            return .texts([text])
        case .integer(let number): return .number(FilterNumber(number))
        case .double(let number): return FilterNumber(number).map { .number($0) } ?? .null
        case .boolean(let flag): return .boolean(flag)
        }
    }

    // MARK: Predicates

    private func holds(
        _ predicate: FilterPredicate,
        _ value: Value,
        _ candidate: Subject
    ) -> Bool {
        switch predicate {
        case .isNull(let isNegated):
            if case .null = value { return !isNegated }
            return isNegated
        case .isIn(let set, let isNegated):
            return isIn(set, value, candidate) != isNegated
        case .compare(.notEqual, let operand):
            return !values(operand, value, candidate).contains { value.equals($0) }
        case .compare(let comparison, let operand):
            return values(operand, value, candidate).contains { compares(value, comparison, $0) }
        case .between(let low, let high, let isNegated):
            let isAbove = values(low, value, candidate).contains {
                compares(value, .greaterOrEqual, $0)
            }
            let isBelow = values(high, value, candidate).contains {
                compares(value, .lessOrEqual, $0)
            }
            return (isAbove && isBelow) != isNegated
        case .within(let milliseconds):
            guard case .instant(let instant) = value else { return false }
            return instant >= now.milliseconds - milliseconds
        }
    }

    private func compares(_ left: Value, _ comparison: FilterComparison, _ right: Value) -> Bool {
        switch comparison {
        case .equal: left.equals(right)
        case .notEqual: !left.equals(right)
        case .less: left.isLess(than: right) ?? false
        case .greater: right.isLess(than: left) ?? false
        case .lessOrEqual: right.isLess(than: left).map { !$0 } ?? false
        case .greaterOrEqual: left.isLess(than: right).map { !$0 } ?? false
        }
    }

    private func isIn(_ set: FilterSet, _ value: Value, _ candidate: Subject) -> Bool {
        switch set {
        case .any:
            if case .null = value { return false }
            return true
        case .column(let column):
            return value.equals(self.value(column, candidate))
        case .members(let members):
            return members.contains { member in
                if case .eventType = value, member.value == .literal(.string("*")) { return true }
                return values(member, value, candidate).contains { value.equals($0) }
            }
        }
    }

    /// What an operand stands for when it is compared with `other`.
    private func values(
        _ operand: FilterOperand,
        _ other: Value,
        _ candidate: Subject
    ) -> [Value] {
        switch operand.value {
        case .literal(let literal): return [value(literal)]
        case .parameter(let name):
            return (arguments.values[name] ?? []).map { literal in
                if case .eventType = other, literal == .string("*") { return .anyType }
                return value(literal)
            }
        case .column(let column): return [value(column, candidate)]
        case .now(let offset):
            let instant = now.milliseconds + offset
            if case .number = other { return [.number(FilterNumber(epochMilliseconds: instant))] }
            return [.instant(instant)]
        }
    }

    private func value(_ literal: FilterLiteral) -> Value {
        switch literal {
        case .string(let text): .texts([text])
        case .number(let number): .number(number)
        case .boolean(let flag): .boolean(flag)
        case .instantMS(let milliseconds): .instant(milliseconds)
        }
    }
}
