import Primitives
import Wire

/// A whole copy of a server's data, in a folder on its disk.
public struct Backup: Hashable, Sendable {
    /// The folder's name.
    public var name: String
    /// The folder.
    public var path: String
    /// Everything that was acknowledged at or below it is in the copy.
    public var position: UInt64
    /// Linked files included.
    public var byteCount: UInt64
    /// Milliseconds since 1970.
    public var createdMilliseconds: Int64

    init(_ view: borrowing BackupView) {
        name = view.name.string
        path = view.path.string
        position = view.position
        byteCount = view.byteCount
        createdMilliseconds =
            view.createdAt.seconds * 1_000 + Int64(view.createdAt.nanos) / 1_000_000
    }
}

extension BowerbirdClient {
    /// Copies everything that was acknowledged into a new folder below the server's backup root.
    ///
    /// - Parameter name: The folder's; empty for the time.
    /// - Returns: What was made.
    /// - Throws: `ClientError` for a name that is taken, and a server without a place for backups.
    public func createBackup(_ name: String = "") async throws(ClientError) -> Backup {
        try await call(
            "/bowerbird.v1.OperationsService/CreateBackup",
            { CreateBackupRequestBuilder(into: $0).name(name) }
        ) { (bytes, arena) throws(WireError) in
            Backup(try CreateBackupResponseView(unpacking: bytes, into: arena).backup)
        }
    }

    /// All backups of the server, by name.
    ///
    /// - Returns: What there is below the server's backup root.
    /// - Throws: `ClientError` for a server without a place for backups.
    public func listBackups() async throws(ClientError) -> [Backup] {
        try await call("/bowerbird.v1.OperationsService/ListBackups", { _ in }) {
            (bytes, arena) throws(WireError) in
            let response = try ListBackupsResponseView(unpacking: bytes, into: arena)
            return (0..<response.backupsCount).map { Backup(response.backups($0)) }
        }
    }
}
