package import Control
import Engine
import Primitives
package import RPC
import Resources
import Serving
import Wire

/// `bowerbird.v1.FiltersService`: which items an answer may hold.
package final class FiltersService: Sendable {
    private let control: ControlPlane
    private let calls: ControlCalls
    private let messages: ResourceMessages

    package init(control: ControlPlane) {
        self.control = control
        calls = ControlCalls(control: control)
        messages = ResourceMessages(control: control)
    }

    package func add(to router: inout Router) {
        let path = "/bowerbird.v1.FiltersService/"
        router.unary(path + "CreateFilter") { [self] in createFilter($0, $1) }
        router.unary(path + "DescribeFilter") { [self] message, call in
            calls.describe(call, .filter) {
                try DescribeFilterRequestView(unpacking: message, into: $0).filter.string
            } _: { [messages] found, writer in
                DescribeFilterResponseBuilder(into: writer).filter {
                    if case .filter(let one) = found { messages.write(one, $0) }
                }
            }
        }
        router.unary(path + "ListFilters") { [self] message, call in
            calls.list(call, .filter) { arena in
                let request = try ListFiltersRequestView(unpacking: message, into: arena)
                return ControlCalls.Page(
                    parent: request.datasetGroup.string,
                    size: request.pageSize,
                    token: request.pageToken.string
                )
            } _: { [messages] page, next, writer in
                let response = ListFiltersResponseBuilder(into: writer)
                for case .filter(let one) in page {
                    response.filters { messages.write(one, $0) }
                }
                response.nextPageToken(next)
            }
        }
        router.unary(path + "DeleteFilter") { [self] message, call in
            calls.delete(call, .filter) { arena in
                let request = try DeleteFilterRequestView(unpacking: message, into: arena)
                return (request.filter.string, request.etag.string)
            }
        }
        router.unary(path + "ValidateFilter") { [self] in validateFilter($0, $1) }
    }

    private func createFilter(_ message: RawSpan, _ call: ServerCall) {
        calls.change(call) { arena, done in
            let request = try CreateFilterRequestView(unpacking: message, into: arena)
            let draft = try control.drafts.filter(
                name: request.name.string,
                group: request.datasetGroup.string,
                expression: request.filterExpression.string
            )
            control.create([draft], requestID: request.requestID.string, completion: done)
        } _: { [messages] stored, writer in
            let response = CreateFilterResponseBuilder(into: writer)
            for case .filter(let one) in stored {
                response.filter { messages.write(one, $0) }
            }
        }
    }

    private func validateFilter(_ message: RawSpan, _ call: ServerCall) {
        calls.ask(call) { arena in
            let request = try ValidateFilterRequestView(unpacking: message, into: arena)
            let (expression, group) = try expression(request)
            var values: [String: [String]] = [:]
            for index in 0..<request.filterValuesCount {
                let entry = request.filterValues(index)
                values[entry.key.string] = entry.texts
            }
            switch try control.read(expression, group: group) {
            case .failure(let errors):
                return { writer in
                    ValidateFilterResponseBuilder(into: writer).write(errors.all, in: expression)
                }
            case .success(let filter):
                let isBound = request.explain || !values.isEmpty
                let (arguments, problems) =
                    isBound ? filter.binding(values, control.filterQuotas) : (nil, [])
                let explained = try explanation(request, filter, arguments, group)
                return { writer in
                    let response = ValidateFilterResponseBuilder(into: writer)
                    response.valid(true)
                    response.write(problems, in: expression)
                    response.write(filter)
                    if let explained {
                        response.explanation { $0.write(explained.0, explained.position) }
                    }
                }
            }
        }
    }

    /// What each part leaves, where that was asked for.
    private func explanation(
        _ request: borrowing ValidateFilterRequestView,
        _ filter: CheckedFilter,
        _ arguments: FilterArguments?,
        _ group: String
    ) throws(Refusal) -> (FilterExplanation, position: LogPosition)? {
        guard let arguments, request.explain, filter.expression.target == .item else {
            return nil
        }
        let question = FilterQuestion(
            group: ResourceName(unchecked: group),
            userID: request.userID.string,
            sessionID: request.sessionID.string,
            itemID: request.itemID.string,
            askedAt: control.now
        )
        return try control.explanation(of: filter, arguments, for: question)
    }

    /// The expression that a request gives or names, and its group.
    private func expression(
        _ request: borrowing ValidateFilterRequestView
    ) throws(Refusal) -> (text: String, group: String) {
        let name = request.filter.string
        let given = request.filterExpression.string
        guard name.isEmpty != given.isEmpty else {
            throw .invalid(
                "filter_expression",
                "is required, or filter; \(name.isEmpty ? "neither" : "both") came"
            )
        }
        guard !name.isEmpty else { return (given, request.datasetGroup.string) }
        guard case .filter(let filter) = try control.describe(name, .filter) else {
            return ("", "")
        }
        return (filter.expression, filter.group.text)
    }
}

extension CheckedFilter {
    /// The values that a request would give, converted, or what is wrong with them.
    fileprivate func binding(
        _ values: [String: [String]],
        _ quotas: FilterQuotas
    ) -> (arguments: FilterArguments?, problems: [FilterError]) {
        do throws(FilterErrors) {
            return (try bind(values, valuesMax: quotas.valuesMax), [])
        } catch {
            return (nil, error.all)
        }
    }
}
