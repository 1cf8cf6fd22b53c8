import Dispatch
package import Primitives
package import Resources
import Synchronization

/// An export that a reader takes piece by piece, at its own speed.
///
/// A thread of its own makes a few pieces ahead and then waits.
package final class ExportPieces: Sendable {
    package enum Piece: Sendable {
        case bytes([UInt8], rowCount: UInt64, LogPosition)
        case end
        case failed(Refusal)
    }

    private struct State {
        var pieces: [Piece] = []
        var isCancelled = false
    }

    private let state = Mutex(State())
    /// As many as may be made before the next is taken.
    private let room = DispatchSemaphore(value: 0)
    private let control: ControlPlane
    private let group: ResourceName
    private let kind: DatasetKind
    private let mode: IngestionMode
    private let form: FileForm
    private let packing: FilePacking

    /// - Throws: `resourceNotFound` when there is no such dataset.
    package init(
        _ control: ControlPlane,
        _ group: ResourceName,
        _ kind: DatasetKind,
        _ mode: IngestionMode,
        _ form: FileForm,
        _ packing: FilePacking
    ) throws(Refusal) {
        self.control = control
        self.group = group
        self.kind = kind
        self.mode = mode
        self.form = form
        self.packing = packing
        for _ in 0..<Limits.exportPiecesAhead { room.signal() }
        let name = group.child("datasets", kind.collectionLabel)
        _ = try control.describe(name.text, .dataset)
    }

    /// Begins; `wake` is called on another thread whenever there is a piece to take.
    package func start(_ wake: @escaping @Sendable () -> Void) {
        let thread = Threads.start(name: "export") { [self] in
            do throws(Refusal) {
                let export = try control.jobs.makeExport(
                    group,
                    kind,
                    mode,
                    form,
                    packing.formats
                )
                let isWhole = try export.write { (bytes, count) throws(Refusal) in
                    // A message has a bound that a large row may pass.
                    for start in stride(from: 0, to: bytes.count, by: Limits.exportPieceBytes) {
                        room.wait()
                        let end = min(start + Limits.exportPieceBytes, bytes.count)
                        let piece = Piece.bytes(
                            Array(bytes[start..<end]),
                            rowCount: count,
                            export.position
                        )
                        guard add(piece, wake) else { return false }
                    }
                    return true
                }
                if isWhole { _ = add(.end, wake) }
            } catch {
                _ = add(.failed(error), wake)
            }
        }
        if thread == nil {
            _ = add(.failed(Refusal(.unavailable, "no thread could be started")), wake)
        }
    }

    private func add(_ piece: Piece, _ wake: () -> Void) -> Bool {
        let isWanted = state.withLock { state in
            if !state.isCancelled { state.pieces.append(piece) }
            return !state.isCancelled
        }
        if isWanted { wake() }
        return isWanted
    }

    /// The next piece, if it is made.
    package func take() -> Piece? {
        let piece = state.withLock { state in
            state.pieces.isEmpty ? nil : state.pieces.removeFirst()
        }
        if piece != nil { room.signal() }
        return piece
    }

    /// Nobody takes any more.
    package func cancel() {
        state.withLock { state in
            state.isCancelled = true
            state.pieces = []
        }
        room.signal()
    }
}
