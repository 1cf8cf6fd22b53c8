import Control
import Engine
import Primitives
import RPC
import Resources
import Wire

/// Schemas over the wire.
extension DatasetsService {
    func addSchemas(to router: inout Router) {
        let path = "/bowerbird.v1.DatasetsService/"
        router.unary(path + "CreateSchema") { [self] in createSchema($0, $1) }
        router.unary(path + "DescribeSchema") { [self] message, call in
            calls.describe(call, .schema) {
                try DescribeSchemaRequestView(unpacking: message, into: $0).schema.string
            } _: { [messages] found, writer in
                DescribeSchemaResponseBuilder(into: writer).schema {
                    if case .schema(let one) = found { messages.write(one, $0) }
                }
            }
        }
        router.unary(path + "ListSchemas") { [self] message, call in
            calls.list(call, .schema) { arena in
                let request = try ListSchemasRequestView(unpacking: message, into: arena)
                return ControlCalls.Page(size: request.pageSize, token: request.pageToken.string)
            } _: { [messages] page, next, writer in
                let response = ListSchemasResponseBuilder(into: writer)
                for case .schema(let one) in page {
                    response.schemas { messages.write(one, $0) }
                }
                response.nextPageToken(next)
            }
        }
        router.unary(path + "DeleteSchema") { [self] message, call in
            calls.delete(call, .schema) { arena in
                let request = try DeleteSchemaRequestView(unpacking: message, into: arena)
                return (request.schema.string, request.etag.string)
            }
        }
    }

    private func createSchema(_ message: RawSpan, _ call: ServerCall) {
        calls.change(call) { arena, done in
            let request = try CreateSchemaRequestView(unpacking: message, into: arena)
            let draft = try control.drafts.schema(
                name: request.name.string,
                document: request.schema.string
            )
            control.create(
                [draft],
                requestID: request.requestID.string,
                completion: done
            )
        } _: { [messages] stored, writer in
            let response = CreateSchemaResponseBuilder(into: writer)
            for case .schema(let one) in stored {
                response.schema { messages.write(one, $0) }
            }
        }
    }
}
