package import Control
package import Primitives
package import RPC
import Resources
import Wire

/// `bowerbird.v1.OperationsService`: what an operator does with a running server.
package final class OperationsService: Sendable {
    private let backups: Backups
    private let clock: any Clock
    /// One thread: one backup at a time.
    private let worker: WorkerPool

    package init(backups: Backups, clock: any Clock, worker: WorkerPool) {
        self.backups = backups
        self.clock = clock
        self.worker = worker
    }

    package func add(to router: inout Router) {
        let path = "/bowerbird.v1.OperationsService/"
        router.unary(path + "CreateBackup") { [self] in createBackup($0, $1) }
        router.unary(path + "ListBackups") { [self] in listBackups($0, $1) }
    }

    private func createBackup(_ message: RawSpan, _ call: ServerCall) {
        do {
            let arena = Arena()
            let request = try CreateBackupRequestView(unpacking: message, into: arena)
            let name = request.name.string
            try answer(call) { [backups, clock] () throws(Refusal) in
                let backup = try backups.make(name, now: clock.now())
                return { writer in
                    CreateBackupResponseBuilder(into: writer).backup { Self.write(backup, $0) }
                }
            }
        } catch {
            call.fail(StatusMapping.status(of: error))
        }
    }

    private func listBackups(_ message: RawSpan, _ call: ServerCall) {
        do {
            let arena = Arena()
            _ = try ListBackupsRequestView(unpacking: message, into: arena)
            try answer(call) { [backups] () throws(Refusal) in
                let all = try backups.all()
                return { writer in
                    let response = ListBackupsResponseBuilder(into: writer)
                    for backup in all { response.backups { Self.write(backup, $0) } }
                }
            }
        } catch {
            call.fail(StatusMapping.status(of: error))
        }
    }

    /// Answers with what comes of work that takes its time.
    private func answer(
        _ call: ServerCall,
        _ work: @escaping @Sendable () throws(Refusal) -> @Sendable (ByteWriter) -> Void
    ) throws(Refusal) {
        try worker.answer(
            call,
            full: "\(Limits.pendingBackupsMax) calls wait for a backup, which is the limit",
            work
        )
    }

    private static func write(_ backup: Backup, _ message: BackupBuilder) {
        message.name(backup.name)
        message.path(backup.path)
        message.position(backup.position.rawValue)
        message.byteCount(backup.byteCount)
        message.createdAt { $0.set(backup.createdAt) }
    }
}
