import Control
import Engine
import Primitives
import RPC
import Resources
import Wire

/// Solutions over the wire.
extension SolutionsService {
    func addSolutions(to router: inout Router) {
        let path = "/bowerbird.v1.SolutionsService/"
        router.unary(path + "CreateSolution") { [self] in createSolution($0, $1) }
        router.unary(path + "DescribeSolution") { [self] message, call in
            calls.describe(call, .solution) {
                try DescribeSolutionRequestView(unpacking: message, into: $0).solution.string
            } _: { [messages] found, writer in
                DescribeSolutionResponseBuilder(into: writer).solution {
                    if case .solution(let one) = found { messages.write(one, $0) }
                }
            }
        }
        router.unary(path + "ListSolutions") { [self] message, call in
            calls.list(call, .solution) { arena in
                let request = try ListSolutionsRequestView(unpacking: message, into: arena)
                return ControlCalls.Page(
                    parent: request.datasetGroup.string,
                    size: request.pageSize,
                    token: request.pageToken.string
                )
            } _: { [messages] page, next, writer in
                let response = ListSolutionsResponseBuilder(into: writer)
                for case .solution(let one) in page {
                    response.solutions { messages.write(one, $0) }
                }
                response.nextPageToken(next)
            }
        }
        router.unary(path + "UpdateSolution") { [self] in updateSolution($0, $1) }
        router.unary(path + "DeleteSolution") { [self] message, call in
            calls.delete(call, .solution) { arena in
                let request = try DeleteSolutionRequestView(unpacking: message, into: arena)
                return (request.solution.string, request.etag.string)
            }
        }
    }

    private func createSolution(_ message: RawSpan, _ call: ServerCall) {
        calls.change(call) { arena, done in
            let request = try CreateSolutionRequestView(unpacking: message, into: arena)
            let draft = try control.drafts.solution(
                name: request.name.string,
                group: request.datasetGroup.string,
                recipe: request.recipe.string,
                knownRecipes: control.recipeNames,
                settings: try Self.settings(request),
                schema: { [control] in control.schema(of: $0, $1) }
            )
            control.create(
                [draft],
                requestID: request.requestID.string,
                completion: done
            )
        } _: { [messages] stored, writer in
            let response = CreateSolutionResponseBuilder(into: writer)
            for case .solution(let one) in stored {
                response.solution { messages.write(one, $0) }
            }
        }
    }
}

/// SolutionVersions over the wire.
extension SolutionsService {
    func addSolutionVersions(to router: inout Router) {
        let path = "/bowerbird.v1.SolutionsService/"
        router.unary(path + "CreateSolutionVersion") { [self] in createSolutionVersion($0, $1) }
        router.unary(path + "DescribeSolutionVersion") { [self] message, call in
            calls.describe(call, .solutionVersion) {
                try DescribeSolutionVersionRequestView(unpacking: message, into: $0).solutionVersion
                    .string
            } _: { [messages] found, writer in
                DescribeSolutionVersionResponseBuilder(into: writer).solutionVersion {
                    if case .solutionVersion(let one) = found { messages.write(one, $0) }
                }
            }
        }
        router.unary(path + "ListSolutionVersions") { [self] message, call in
            calls.list(call, .solutionVersion) { arena in
                let request = try ListSolutionVersionsRequestView(unpacking: message, into: arena)
                return ControlCalls.Page(
                    parent: request.solution.string,
                    parentKind: .solution,
                    size: request.pageSize,
                    token: request.pageToken.string
                )
            } _: { [messages] page, next, writer in
                let response = ListSolutionVersionsResponseBuilder(into: writer)
                for case .solutionVersion(let one) in page {
                    response.solutionVersions { messages.write(one, $0) }
                }
                response.nextPageToken(next)
            }
        }
        router.unary(path + "GetSolutionMetrics") { [self] message, call in
            calls.ask(call) { arena in
                let request = try GetSolutionMetricsRequestView(unpacking: message, into: arena)
                return try metrics(of: request.solutionVersion.string)
            }
        }
        router.serverStreaming(path + "WatchSolutionVersion") { [self] in watch($0, $1) }
        router.unary(path + "StopSolutionVersionCreation") { [self] message, call in
            calls.change(call) { arena, done in
                let request = try StopSolutionVersionCreationRequestView(
                    unpacking: message,
                    into: arena
                )
                control.stopTraining(request.solutionVersion.string, completion: done)
            } _: { [messages] stored, writer in
                let response = StopSolutionVersionCreationResponseBuilder(into: writer)
                for case .solutionVersion(let one) in stored {
                    response.solutionVersion { messages.write(one, $0) }
                }
            }
        }
    }

    private func metrics(of name: String) throws -> @Sendable (ByteWriter) -> Void {
        let found = try control.describe(name, .solutionVersion)
        guard case .solutionVersion(let version) = found, version.header.status == .active else {
            throw Refusal(
                .resourceInUse,
                "the solution version '\(found.resourceName)' is not ACTIVE",
                resource: found.resourceName.text
            )
        }
        return { writer in
            let response = GetSolutionMetricsResponseBuilder(into: writer)
            response.solutionVersion(found.resourceName.text)
            for (name, value) in version.training.metrics.sorted(by: { $0.key < $1.key }) {
                response.metrics { entry in
                    entry.key(name)
                    entry.value(value)
                }
            }
        }
    }

    private func createSolutionVersion(_ message: RawSpan, _ call: ServerCall) {
        calls.change(call) { arena, done in
            let request = try CreateSolutionVersionRequestView(unpacking: message, into: arena)
            guard [.unspecified, .full, .update].contains(request.trainingMode) else {
                throw Refusal.invalid(
                    "training_mode",
                    "is \(request.trainingMode.rawValue); TRAINING_MODE_FULL (1) and "
                        + "TRAINING_MODE_UPDATE (2) are allowed"
                )
            }
            let isUpdate = request.trainingMode == .update
            if isUpdate { try control.checkHasVersion(request.solution.string) }
            let draft = try control.drafts.solutionVersion(
                solution: request.solution.string,
                name: request.name.string,
                generatedName: ControlPlane.randomToken(characters: 12),
                isUpdate: isUpdate
            )
            control.create(
                [draft],
                requestID: request.requestID.string,
                completion: done
            )
        } _: { [messages] stored, writer in
            let response = CreateSolutionVersionResponseBuilder(into: writer)
            for case .solutionVersion(let one) in stored {
                response.solutionVersion { messages.write(one, $0) }
            }
        }
    }
}
