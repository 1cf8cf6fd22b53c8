import Glibc
package import Journal
package import Primitives
package import Resources

/// A whole copy of a server's data.
package struct Backup: Hashable, Sendable {
    package var name: String
    package var path: String
    package var position: LogPosition
    package var byteCount: UInt64
    package var createdAt: Timestamp
}

/// The folder in which a server makes copies of its data.
///
/// A backup is a folder with the files of a data directory and a list of them, `BACKUP`, which is
/// written last: a folder without it is none.
package struct Backups: Sendable {
    private static let listName = "BACKUP"
    private static let head = "bowerbird-backup 1"

    private let root: String?
    private let journal: Journal

    /// Without a `root` no backups are made.
    ///
    /// - Throws: `invalidInput` when there is no such folder.
    package init(root: String?, journal: Journal) throws(Refusal) {
        self.journal = journal
        guard let root else {
            self.root = nil
            return
        }
        guard let real = FileRoots.resolve(root) else {
            throw .invalid("--backup-root", "there is no folder '\(root)'")
        }
        self.root = real
    }

    private func folder() throws(Refusal) -> String {
        guard let root else {
            throw Refusal(
                .resourceInUse,
                "this server makes no backups; start it with --backup-root DIR"
            )
        }
        return root
    }

    /// Makes one; takes as long as writing what is in memory to the disk.
    ///
    /// On a thread that may wait, one at a time.
    ///
    /// - Throws: `resourceAlreadyExists` for a name that is taken, `invalidInput` for no label.
    package func make(_ wanted: String, now: Timestamp) throws(Refusal) -> Backup {
        let root = try folder()
        let name = wanted.isEmpty ? Self.name(at: now) : wanted
        try ResourceDrafts.checkLabel(name)
        let path = "\(root)/\(name)"
        guard unsafe access(path, F_OK) != 0 else {
            throw Refusal(
                .resourceAlreadyExists,
                "there is a '\(path)' already",
                violations: [.init(field: "name", description: "is taken")]
            )
        }
        let position = try journal.copy(to: path)
        let files = Self.files(in: path)
        var lines = [Self.head, "position \(position.rawValue)", "created \(now.milliseconds)"]
        for file in files { lines.append("file \(file.byteCount) \(file.name)") }
        lines.append("end")
        try Self.write(lines.joined(separator: "\n") + "\n", to: path)
        return Backup(
            name: name,
            path: path,
            position: position,
            byteCount: files.reduce(0) { $0 + $1.byteCount },
            createdAt: now
        )
    }

    /// All there are, sorted by name.
    package func all() throws(Refusal) -> [Backup] {
        let root = try folder()
        return Self.names(in: root).sorted().compactMap { Self.backup(at: "\(root)/\($0)", $0) }
    }

    private static func backup(at path: String, _ name: String) -> Backup? {
        guard ResourceName.isLabel(name),
            let text = text(of: "\(path)/\(listName)")
        else { return nil }
        let lines = text.split(separator: "\n")
        guard lines.first == head[...], lines.last == "end" else { return nil }
        var backup = Backup(
            name: name,
            path: path,
            position: .zero,
            byteCount: 0,
            createdAt: Timestamp(milliseconds: 0)
        )
        for line in lines {
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count >= 2 else { continue }
            switch words[0] {
            case "position": backup.position = LogPosition(UInt64(words[1]) ?? 0)
            case "created": backup.createdAt = Timestamp(milliseconds: Int64(words[1]) ?? 0)
            case "file": backup.byteCount += UInt64(words[1]) ?? 0
            default: continue
            }
        }
        return backup
    }

    // MARK: Files

    private static func text(of path: String) -> String? {
        guard let file = unsafe fopen(path, "re") else { return nil }
        defer { unsafe fclose(file) }
        // Pages that no list fills are never touched.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Limits.backupListBytesMax) {
            $1 = unsafe fread($0.baseAddress, 1, $0.count, file)
        }
        guard bytes.count < Limits.backupListBytesMax else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `20260131-235959`, in UTC.
    private static func name(at now: Timestamp) -> String {
        var seconds = time_t(now.milliseconds / 1_000)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        func digits(_ number: Int32, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
        }
        let day = unsafe [parts.tm_mon + 1, parts.tm_mday].map { digits($0, 2) }.joined()
        let time = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec].map { digits($0, 2) }
        return unsafe digits(parts.tm_year + 1_900, 4) + day + "-" + time.joined()
    }

    private static func names(in path: String) -> [String] {
        guard let folder = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            names.append(name)
        }
        return names
    }

    /// What a copy consists of: RocksDB's files without what it makes anew.
    private static func files(in path: String) -> [(name: String, byteCount: UInt64)] {
        names(in: path).sorted().compactMap { name in
            var status = stat()
            guard !name.hasPrefix("LOG"), name != "LOCK",
                unsafe stat("\(path)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG
            else { return nil }
            return (name, UInt64(status.st_size))
        }
    }

    /// The list is on disk, or there is none, when this returns.
    private static func write(_ text: String, to path: String) throws(Refusal) {
        func failure() -> Refusal {
            let reason = unsafe String(cString: strerror(errno))
            return Refusal(.unavailable, "'\(path)/\(listName)' can't be written: \(reason)")
        }
        let temporary = "\(path)/\(listName).new"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count,
            fsync(descriptor) == 0, unsafe rename(temporary, "\(path)/\(listName)") == 0
        else { throw failure() }
        let folder = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure() }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure() }
    }
}
