import Control
import Engine
import Primitives
import RPC
import Resources
import Wire

/// Trainings as they go on, over the wire.
extension SolutionsService {
    func watch(_ message: RawSpan, _ call: ServerCall) -> any StreamingCallHandler {
        let watch = VersionWatch()
        do {
            let arena = Arena()
            let request = try WatchSolutionVersionRequestView(unpacking: message, into: arena)
            let name = try control.describe(request.solutionVersion.string, .solutionVersion)
                .resourceName
            let handle = call.handle
            // Before the first look, so that no change falls between.
            let id = control.watch(name) { [self] in
                handle.complete { self.tell(name, watch, $0) }
            }
            watch.onEnd = { [control] in control.stopWatching(id) }
            tell(name, watch, call)
        } catch {
            call.fail(StatusMapping.status(of: error))
        }
        return watch
    }

    /// Says how far a version is; ends the call when that is all.
    private func tell(_ name: ResourceName, _ watch: VersionWatch, _ call: ServerCall) {
        guard !watch.isOver else { return }
        guard let found = try? control.describe(name.text, .solutionVersion),
            case .solutionVersion(let version) = found
        else {
            watch.end()
            return call.fail(StatusMapping.status(Refusal.missing(name, "solution version")))
        }
        call.respond { [messages, control] writer in
            let response = WatchSolutionVersionResponseBuilder(into: writer)
            response.solutionVersion { messages.write(version, $0) }
            if let rest = control.remainingNanoseconds(name) {
                response.remaining { duration in
                    duration.seconds(Int64(rest / 1_000_000_000))
                    duration.nanos(Int32(rest % 1_000_000_000))
                }
            }
        }
        switch version.header.status {
        case .active, .createFailed, .createStopped:
            watch.end()
            call.finish()
        case .createPending, .createInProgress, .createStopping: break
        }
    }
}

/// Forgets the watch when the call ends.
///
/// SAFETY of `@unchecked`: confined to the loop of its call.
private final class VersionWatch: StreamingCallHandler, @unchecked Sendable {
    var onEnd: (() -> Void)?
    private(set) var isOver = false

    func end() {
        isOver = true
        onEnd?()
        onEnd = nil
    }

    func cancelled() { end() }
}
