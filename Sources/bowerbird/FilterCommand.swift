import ArgumentParser
import BowerbirdClient
import Foundation

/// `bowerbird filter`: the filters of a group.
struct FilterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "filter",
        abstract: "Checks, explains, creates, lists and deletes filters.",
        discussion: """
            An expression looks like
              INCLUDE ItemID WHERE Items.GENRE IN ("Comedy") AND Items.YEAR BETWEEN 1990 AND $LAST
            """,
        subcommands: [
            FilterCheckCommand.self, FilterExplainCommand.self, FilterCreateCommand.self,
            FilterListCommand.self,
            FilterDeleteCommand.self,
        ]
    )
}

/// `--value NAME=TEXT`, any number of times.
struct FilterValueOptions: ParsableArguments {
    @Option(
        name: .customLong("value"),
        help: "NAME=TEXT, a value of the parameter $NAME; again for several values."
    )
    var given: [String] = []

    /// The values by name, in their order.
    func values() throws -> [String: [String]] {
        var values: [String: [String]] = [:]
        for text in given {
            guard let sign = text.firstIndex(of: "="), sign > text.startIndex else {
                throw ValidationError("--value '\(text)': NAME=TEXT is needed")
            }
            let name = text[..<sign].drop { $0 == "$" }
            values[String(name), default: []].append(String(text[text.index(after: sign)...]))
        }
        return values
    }
}

/// `bowerbird filter check`.
struct FilterCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Says what is wrong with an expression, or what it means."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group.") var group: String
    @Argument(help: "The expression.") var expression: String
    @OptionGroup var values: FilterValueOptions

    func run() async throws {
        let client = try server.client()
        let reading = try await client.validateFilter(
            expression,
            group: groupName(group),
            values: try values.values()
        )
        client.close()
        try FilterReport(reading).printProblems()
        FilterReport(reading).printMeaning()
    }
}

/// `bowerbird filter explain`.
struct FilterExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Counts what each part of an expression leaves, for a user and values."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group.") var group: String
    @Argument(help: "The expression.") var expression: String
    @Option(help: "Who would ask.") var user = ""
    @Option(help: "The item that the request would name.") var item = ""
    @OptionGroup var values: FilterValueOptions

    func run() async throws {
        let client = try server.client()
        let reading = try await client.validateFilter(
            expression,
            group: groupName(group),
            values: try values.values(),
            explainedFor: FilterAsker(userID: user, itemID: item)
        )
        client.close()
        try FilterReport(reading).printProblems()
        FilterReport(reading).lines.forEach { print($0) }
    }
}

/// `bowerbird filter create`.
struct FilterCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Creates a filter."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group.") var group: String
    @Argument(help: "Its name.") var name: String
    @Argument(help: "The expression.") var expression: String

    func run() async throws {
        let client = try server.client()
        let group = groupName(group)
        // Asked first, for the place of each error.
        let reading = try await client.validateFilter(expression, group: group)
        try FilterReport(reading).printProblems()
        print(try await client.createFilter(name, group: group, expression: expression))
        client.close()
    }
}

/// `bowerbird filter list`.
struct FilterListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the filters of a group."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group.") var group: String
    @Option(help: "How it is printed.") var output = OutputForm.table

    func run() async throws {
        let client = try server.client()
        let filters = try await client.filters(group: groupName(group))
        client.close()
        switch output {
        case .table:
            let width = filters.map(\.name.count).max() ?? 0
            for filter in filters {
                let name = filter.name.padding(toLength: width, withPad: " ", startingAt: 0)
                print("\(name)  \(filter.expression)")
            }
        case .json:
            print("[\(filters.map(json).joined(separator: ","))]")
        case .jsonl:
            for filter in filters { print(json(filter)) }
        case .csv:
            print("name,filter_expression")
            for filter in filters {
                let expression = filter.expression.replacingOccurrences(of: "\"", with: "\"\"")
                print("\(filter.name),\"\(expression)\"")
            }
        }
    }

    private func json(_ filter: FilterResource) -> String {
        "{\"resource_name\":\(quoted(filter.resourceName)),\"name\":\(quoted(filter.name)),"
            + "\"filter_expression\":\(quoted(filter.expression))}"
    }
}

/// `bowerbird filter delete`.
struct FilterDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Deletes a filter."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group.") var group: String
    @Argument(help: "Its name.") var name: String

    func run() async throws {
        let client = try server.client()
        try await client.deleteFilter("\(groupName(group))/filters/\(name)")
        client.close()
    }
}

/// What a server read in an expression, for people.
struct FilterReport {
    private let reading: FilterReading
    private let isColoured: Bool

    init(_ reading: FilterReading) {
        self.reading = reading
        isColoured =
            isatty(STDERR_FILENO) == 1
            && ProcessInfo.processInfo.environment["NO_COLOR", default: ""].isEmpty
    }

    /// Tells each problem with its place, and ends with failure when there is one.
    func printProblems() throws {
        for problem in reading.problems {
            let hint = problem.hint.isEmpty ? "" : " (\(problem.hint))"
            say("\(coloured("error", "1;31")): \(problem.message)\(hint)")
            if problem.caretLines.count == 2 {
                say("  \(problem.caretLines[0])")
                say("  \(coloured(problem.caretLines[1], "1;32"))")
            }
        }
        if !reading.problems.isEmpty { throw ExitWith.failed }
    }

    func printMeaning() {
        print(reading.normalForm)
        for column in reading.columns { print("  \(column.name): \(column.type)") }
        for parameter in reading.parameters {
            let count = parameter.isList ? "any number of values" : "one value"
            let need = parameter.isRequired ? "required" : "may be omitted"
            print("  $\(parameter.name): \(parameter.type), \(count), \(need)")
        }
        if reading.needsUser { print("  asks for a user") }
        if reading.needsItem { print("  asks for an item") }
    }

    /// What each part leaves, a line a condition.
    var lines: [String] {
        guard let found = reading.explanation else {
            return ["only filters of ItemID can be explained"]
        }
        var lines: [String] = []
        var before = found.candidateCount
        for clause in found.clauses {
            lines.append(clause.text)
            var satisfied = found.candidateCount
            for step in clause.steps {
                lines.append(
                    step.isOmitted
                        ? "  \(step.text) does nothing: it has no value"
                        : "  \(step.text) leaves \(grouped(step.matchCount)) of "
                            + grouped(satisfied)
                )
                satisfied = step.matchCount
            }
            lines.append(
                clause.isEffective
                    ? "  \(clause.excludes ? "without them" : "kept"): "
                        + "\(grouped(clause.eligibleCount)) of \(grouped(before)) items"
                    : "  does nothing for this user and these values"
            )
            before = clause.eligibleCount
        }
        lines.append(
            "\(grouped(found.eligibleCount)) of \(grouped(found.candidateCount)) items pass"
        )
        return lines
    }

    /// 1204 → `1,204`.
    private func grouped(_ number: UInt64) -> String {
        var digits = Array(String(number))
        for place in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: place) }
        return String(digits)
    }

    /// The carets alone are coloured, not the space before them: some terminals would show it.
    private func coloured(_ text: String, _ code: String) -> String {
        guard isColoured else { return text }
        let space = text.prefix { $0 == " " }
        return "\(space)\u{1B}[\(code)m\(text.dropFirst(space.count))\u{1B}[0m"
    }
}
