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
            calls.ask(call) { arena in
                let request = try DescribeSchemaRequestView(unpacking: message, into: arena)
                let found = try control.describe(
                    request.schema.string,
                    .schema,
                    field: "schema"
                )
                return { [messages] writer in
                    DescribeSchemaResponseBuilder(into: writer).schema {
                        if case .schema(let one) = found { messages.write(one, $0) }
                    }
                }
            }
        }
        router.unary(path + "ListSchemas") { [self] message, call in
            calls.ask(call) { arena in
                let request = try ListSchemasRequestView(unpacking: message, into: arena)
                let (page, next) = try control.list(
                    .schema,
                    below: nil,
                    pageSize: request.pageSize,
                    pageToken: request.pageToken.string
                )
                return { [messages] writer in
                    let response = ListSchemasResponseBuilder(into: writer)
                    for case .schema(let one) in page {
                        response.schemas { messages.write(one, $0) }
                    }
                    response.nextPageToken(next)
                }
            }
        }
        router.unary(path + "DeleteSchema") { [self] message, call in
            calls.change(call) { arena, done in
                let request = try DeleteSchemaRequestView(unpacking: message, into: arena)
                control.delete(
                    request.schema.string,
                    .schema,
                    field: "schema",
                    etag: request.etag.string,
                    completion: done
                )
            } _: { _, _ in
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
