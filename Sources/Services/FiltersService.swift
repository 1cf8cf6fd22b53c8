package import Control
import Engine
import Primitives
package import RPC
import Resources
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
            let read = try control.read(expression, group: group)
            return { [values, control] writer in
                let response = ValidateFilterResponseBuilder(into: writer)
                switch read {
                case .failure(let errors):
                    for error in errors.all {
                        response.problems { $0.write(error, in: expression) }
                    }
                case .success(let filter):
                    response.valid(true)
                    for error in values.isEmpty
                        ? [] : filter.problems(with: values, control.filterQuotas)
                    {
                        response.problems { $0.write(error, in: expression) }
                    }
                    response.write(filter)
                }
            }
        }
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
    /// What is wrong with the values that a request would give.
    fileprivate func problems(
        with values: [String: [String]],
        _ quotas: FilterQuotas
    ) -> [FilterError] {
        do throws(FilterErrors) {
            _ = try bind(values, valuesMax: quotas.valuesMax)
            return []
        } catch {
            return error.all
        }
    }
}
