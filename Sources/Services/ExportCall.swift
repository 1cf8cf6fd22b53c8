import Control
import Primitives
import RPC
import Resources
import Wire

/// One `ExportData` call: a thread reads, the call's loop sends, a few pieces at a time.
///
/// Confined to the call's loop, but for `pieces`.
final class ExportCall: StreamingCallHandler {
    private let call: ServerCall
    private let pieces: ExportPieces?

    init(_ message: RawSpan, _ call: ServerCall, service: JobsService) {
        self.call = call
        do {
            let arena = Arena()
            let request = try ExportDataRequestView(unpacking: message, into: arena)
            let (group, kind) = try JobDrafts.dataset(request.dataset.string)
            let form = try JobMessages.form(request.format)
            let packing = try JobMessages.packing(request.compression)
            pieces = try ExportPieces(
                service.control,
                group,
                kind,
                JobMessages.mode(request.ingestionMode),
                form,
                packing
            )
        } catch {
            pieces = nil
            call.fail(StatusMapping.status(of: error))
            return
        }
        let handle = call.handle
        // SAFETY: the object is touched in work that the call's own loop runs, and nowhere else.
        nonisolated(unsafe) let export = self
        pieces?.start { handle.complete { _ in unsafe export.send() } }
    }

    private func send() {
        while !call.isCancelled, call.canWrite, let piece = pieces?.take() {
            switch piece {
            case .bytes(let bytes, let rowCount, let position):
                call.respond { writer in
                    let response = ExportDataResponseBuilder(into: writer)
                    unsafe response.data(bytes.span.bytes)
                    response.rowCount(rowCount)
                    response.position(position.rawValue)
                }
            case .end: return call.finish()
            case .failed(let refusal): return call.fail(StatusMapping.status(refusal))
            }
        }
    }

    func writable() { send() }

    func cancelled() { pieces?.cancel() }
}
