import ArgumentParser
import BowerbirdClient
import Foundation

/// `bowerbird backup`: a whole copy of the server's data, while it works.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copies everything that was acknowledged into a folder on the server.",
        discussion: """
            The folder is made below the server's --backup-root. 'bowerbird restore' makes the \
            data directory of a new server of it. What is deleted later stays in it.
            """
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The folder's name; by default the time.") var name: String?
    @Flag(help: "List the backups that there are, and make none.") var list = false

    func run() async throws {
        let client = try server.client()
        defer { client.close() }
        let backups =
            list ? try await client.listBackups() : [try await client.createBackup(name ?? "")]
        for backup in backups {
            print("\(backup.path)\tposition \(backup.position)\t\(backup.byteCount) bytes")
        }
    }
}

/// `bowerbird restore`: a data directory of a backup; needs no server.
struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Makes the data directory of a new server of a backup.",
        discussion: """
            DIRECTORY must not exist or be empty; it appears as a whole or not at all. Positions, \
            ids and tokens go on where the backup was made.
            """
    )

    @Argument(help: "The folder of the backup.") var backup: String
    @Argument(help: "The data directory to make.") var directory: String

    func run() throws {
        let files = FileManager.default
        let list = try BackupList(of: backup)
        if files.fileExists(atPath: directory) {
            let there = try? files.contentsOfDirectory(atPath: directory)
            guard let there, there.isEmpty else {
                throw CommandFailure(
                    description: "'\(directory)' is not empty; a backup is restored to a new place"
                )
            }
        }
        let target = URL(fileURLWithPath: directory).standardizedFileURL.path
        let parent = (target as NSString).deletingLastPathComponent
        try files.createDirectory(atPath: parent, withIntermediateDirectories: true)
        let temporary = target + ".restoring"
        guard !files.fileExists(atPath: temporary) else {
            throw CommandFailure(
                description:
                    "'\(temporary)' is there: another restore runs, or one was broken off; "
                    + "remove it in that case"
            )
        }
        do {
            try files.createDirectory(
                atPath: temporary,
                withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o750]
            )
            for name in list.files.keys.sorted() {
                try files.copyItem(atPath: "\(backup)/\(name)", toPath: "\(temporary)/\(name)")
                try Self.sync("\(temporary)/\(name)")
            }
            try Self.sync(temporary)
            // An empty directory gives way; anything else does not.
            guard unsafe rename(temporary, target) == 0 else {
                throw CommandFailure(
                    description: "'\(target)' can't be made: \(Self.reason)"
                )
            }
            try Self.sync(parent)
        } catch {
            try? files.removeItem(atPath: temporary)
            throw error
        }
        print("restored position \(list.position) to \(target)")
    }

    private static var reason: String { unsafe String(cString: strerror(errno)) }

    private static func sync(_ path: String) throws {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, fsync(descriptor) == 0 else {
            throw CommandFailure(
                description: "'\(path)' can't be written: \(reason)"
            )
        }
    }
}

/// What a backup says that it consists of.
private struct BackupList {
    var position = ""
    /// Bytes by name.
    var files: [String: UInt64] = [:]

    /// - Throws: For a folder that is no whole backup, naming what is missing or of another size.
    init(of path: String) throws {
        guard let data = FileManager.default.contents(atPath: "\(path)/BACKUP"),
            let text = String(data: data, encoding: .utf8)
        else {
            throw CommandFailure(
                description: "'\(path)' is no backup: it has no file BACKUP, which is written last"
            )
        }
        let lines = text.split(separator: "\n")
        guard lines.first == "bowerbird-backup 1", lines.last == "end" else {
            throw CommandFailure(
                description: "'\(path)/BACKUP' is not of a form that is known here"
            )
        }
        for line in lines {
            let words = line.split(separator: " ", maxSplits: 2).map(String.init)
            if words[0] == "position", words.count == 2 { position = words[1] }
            guard words[0] == "file", words.count == 3, let count = UInt64(words[1]) else {
                continue
            }
            files[words[2]] = count
        }
        for (name, count) in files.sorted(by: { $0.key < $1.key }) {
            let found = try? FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
            guard let size = found?[.size] as? UInt64, size == count else {
                let words = found?[.size].map { "has \($0) bytes" } ?? "is not there"
                throw CommandFailure(
                    description: "the backup is damaged: '\(path)/\(name)' \(words), of \(count); "
                        + "nothing was restored"
                )
            }
        }
    }
}
