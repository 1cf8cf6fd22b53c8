internal import Primitives
internal import Wire

/// One thing that is wrong with a filter expression, or with a value for it.
public struct FilterProblem: Hashable, Sendable {
    /// Where it begins, in bytes of the expression as UTF-8.
    public var offsetBytes: Int
    /// How far it reaches, in bytes.
    public var lengthBytes: Int
    /// What was found and what is allowed.
    public var message: String
    /// What to write instead; may be empty.
    public var hint: String
    /// The line of the expression and a line of carets under the place; empty without a place.
    public var caretLines: [String]
    /// The parameter whose value is wrong; empty for an error of the expression.
    public var parameter: String
}

/// A column that a filter uses.
public struct FilterColumnUse: Hashable, Sendable {
    /// Such as `Items.GENRE`.
    public var name: String
    /// `text`, `number`, `boolean` or `instant`.
    public var type: String
}

/// A parameter of a filter.
public struct FilterParameterUse: Hashable, Sendable {
    /// Without the `$`.
    public var name: String
    /// `text`, `number`, `boolean` or `instant`.
    public var type: String
    /// It may have any number of values.
    public var isList: Bool
    /// A request must give it.
    public var isRequired: Bool
}

/// What a server reads in a filter expression.
public struct FilterReading: Hashable, Sendable {
    /// Nothing is wrong with the expression.
    public var isValid: Bool
    /// All that is wrong, with the values too.
    public var problems: [FilterProblem]
    /// The one spelling of all expressions that say the same.
    public var normalForm: String
    /// The columns it uses.
    public var columns: [FilterColumnUse]
    /// Its parameters.
    public var parameters: [FilterParameterUse]
    /// A request with it needs a user.
    public var needsUser: Bool
    /// A request with it needs an item.
    public var needsItem: Bool
    /// What each part leaves, where that was asked for and could be counted.
    public var explanation: FilterExplanation?
}

/// What each part of a filter leaves, for one request.
public struct FilterExplanation: Hashable, Sendable {
    /// Items that could be recommended without the filter.
    public var candidateCount: UInt64
    /// The clauses in their order.
    public var clauses: [Clause]
    /// Items that pass all of it.
    public var eligibleCount: UInt64

    /// What one clause of a chain does.
    public struct Clause: Hashable, Sendable {
        /// In normal form.
        public var text: String
        /// It takes items out; otherwise it keeps some.
        public var excludes: Bool
        /// Its IF part holds, and not all of its conditions were left out.
        public var isEffective: Bool
        /// The conditions that its AND joins.
        public var steps: [Step]
        /// Items that pass the chain up to and with this clause.
        public var eligibleCount: UInt64
    }

    /// One condition of a clause.
    public struct Step: Hashable, Sendable {
        /// In normal form.
        public var text: String
        /// Items that satisfy this condition and those before it.
        public var matchCount: UInt64
        /// It uses a parameter without a value, and does nothing.
        public var isOmitted: Bool
    }
}

/// Who would ask with a filter, and naming which item; both may be empty.
public struct FilterAsker: Hashable, Sendable {
    /// Who asks.
    public var userID: String
    /// The item that the request names.
    public var itemID: String

    /// A user who asks, and an item.
    public init(userID: String = "", itemID: String = "") {
        self.userID = userID
        self.itemID = itemID
    }
}

/// A filter under a name.
public struct FilterResource: Hashable, Sendable {
    /// `datasetGroups/{g}/filters/{f}`.
    public var resourceName: String
    /// The label given at creation.
    public var name: String
    /// As it was given.
    public var expression: String
}

extension BowerbirdClient {
    /// Creates a filter and returns its resource name.
    public func createFilter(
        _ name: String,
        group: String,
        expression: String
    ) async throws(ClientError) -> String {
        try await call(
            "/bowerbird.v1.FiltersService/CreateFilter",
            { writer in
                let request = CreateFilterRequestBuilder(into: writer)
                request.name(name)
                request.datasetGroup(group)
                request.filterExpression(expression)
            }
        ) { (bytes, arena) throws(WireError) in
            try CreateFilterResponseView(unpacking: bytes, into: arena).filter.resourceName.string
        }
    }

    /// All filters of a group, by name.
    public func filters(group: String) async throws(ClientError) -> [FilterResource] {
        var all: [FilterResource] = []
        var token = ""
        repeat {
            let (page, next) = try await filters(group: group, after: token)
            all += page
            token = next
        } while !token.isEmpty
        return all
    }

    private func filters(
        group: String,
        after token: String
    ) async throws(ClientError) -> (page: [FilterResource], next: String) {
        try await call(
            "/bowerbird.v1.FiltersService/ListFilters",
            { writer in
                let request = ListFiltersRequestBuilder(into: writer)
                request.datasetGroup(group)
                request.pageSize(1_000)
                request.pageToken(token)
            }
        ) { (bytes, arena) throws(WireError) in
            let response = try ListFiltersResponseView(unpacking: bytes, into: arena)
            var page: [FilterResource] = []
            for index in 0..<response.filtersCount {
                let filter = response.filters(index)
                page.append(
                    FilterResource(
                        resourceName: filter.resourceName.string,
                        name: filter.name.string,
                        expression: filter.filterExpression.string
                    )
                )
            }
            return (page, response.nextPageToken.string)
        }
    }

    /// Deletes a filter.
    public func deleteFilter(_ resourceName: String) async throws(ClientError) {
        try await call(
            "/bowerbird.v1.FiltersService/DeleteFilter",
            { DeleteFilterRequestBuilder(into: $0).filter(resourceName) },
            { (_, _) throws(WireError) in }
        )
    }

    /// Asks what is wrong with an expression, or what it means; changes nothing.
    public func validateFilter(
        _ expression: String,
        group: String,
        values: [String: [String]] = [:],
        explainedFor asker: FilterAsker? = nil
    ) async throws(ClientError) -> FilterReading {
        try await call(
            "/bowerbird.v1.FiltersService/ValidateFilter",
            { writer in
                let request = ValidateFilterRequestBuilder(into: writer)
                request.datasetGroup(group)
                request.filterExpression(expression)
                for (name, texts) in values.sorted(by: { $0.key < $1.key }) {
                    request.filterValues { $0.write(name, texts) }
                }
                guard let asker else { return }
                request.explain(true)
                request.userID(asker.userID)
                request.itemID(asker.itemID)
            }
        ) { (bytes, arena) throws(WireError) in
            Self.read(try ValidateFilterResponseView(unpacking: bytes, into: arena))
        }
    }

    private static func read(_ response: borrowing ValidateFilterResponseView) -> FilterReading {
        var reading = FilterReading(
            isValid: response.valid,
            problems: [],
            normalForm: response.normalForm.string,
            columns: [],
            parameters: [],
            needsUser: response.needsUser,
            needsItem: response.needsItem,
            explanation: response.hasExplanation ? read(response.explanation) : nil
        )
        for index in 0..<response.problemsCount {
            let problem = response.problems(index)
            reading.problems.append(
                FilterProblem(
                    offsetBytes: Int(problem.offsetBytes),
                    lengthBytes: Int(problem.lengthBytes),
                    message: problem.message.string,
                    hint: problem.hint.string,
                    caretLines: problem.caretLines.string.split(separator: "\n").map(String.init),
                    parameter: problem.parameter.string
                )
            )
        }
        for index in 0..<response.columnsCount {
            let column = response.columns(index)
            reading.columns.append(
                FilterColumnUse(
                    name: "\(column.dataset.string).\(column.name.string)",
                    type: name(of: column.type)
                )
            )
        }
        for index in 0..<response.parametersCount {
            let parameter = response.parameters(index)
            reading.parameters.append(
                FilterParameterUse(
                    name: parameter.name.string,
                    type: name(of: parameter.type),
                    isList: parameter.list,
                    isRequired: parameter.required
                )
            )
        }
        return reading
    }

    private static func read(_ message: borrowing FilterExplanationView) -> FilterExplanation {
        var explanation = FilterExplanation(
            candidateCount: message.candidateCount,
            clauses: [],
            eligibleCount: message.eligibleCount
        )
        for index in 0..<message.clausesCount {
            let clause = message.clauses(index)
            var steps: [FilterExplanation.Step] = []
            for position in 0..<clause.stepsCount {
                let step = clause.steps(position)
                steps.append(
                    .init(
                        text: step.condition.string,
                        matchCount: step.matchCount,
                        isOmitted: step.omitted
                    )
                )
            }
            explanation.clauses.append(
                .init(
                    text: clause.clause.string,
                    excludes: clause.excludes,
                    isEffective: clause.effective,
                    steps: steps,
                    eligibleCount: clause.eligibleCount
                )
            )
        }
        return explanation
    }

    private static func name(of type: FilterValueTypeValue) -> String {
        switch type {
        case .text: "text"
        case .number: "number"
        case .boolean: "boolean"
        case .instant: "instant"
        default: "unknown"
        }
    }
}

extension FilterValueEntryBuilder {
    /// One parameter with its values.
    func write(_ name: String, _ texts: [String]) {
        key(name)
        value { value in
            for text in texts { value.values(text) }
        }
    }
}
