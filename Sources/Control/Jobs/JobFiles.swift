import Glibc
import Primitives
package import Resources

/// The folders whose files jobs may read or write.
package struct FileRoots: Sendable {
    private let roots: [String]
    /// The flag that gives them, for messages.
    private let flag: String

    /// - Throws: When a folder can't be found.
    package init(_ paths: [String], flag: String) throws(Refusal) {
        self.flag = flag
        var resolved: [String] = []
        for path in paths {
            guard let real = Self.resolve(path) else {
                throw .invalid(flag, "there is no folder '\(path)'")
            }
            resolved.append(real)
        }
        roots = resolved
    }

    /// The path that a client's location means, wherever links lead, if it is below a root.
    package func existing(_ location: String, field: String) throws(Refusal) -> String {
        let path = try plain(location, field)
        guard let real = Self.resolve(path), isInside(real) else { throw outside(path, field) }
        return real
    }

    /// The path of a file that is to be made.
    package func new(_ location: String, field: String) throws(Refusal) -> String {
        let path = try plain(location, field)
        guard let slash = path.lastIndex(of: "/"),
            let folder = Self.resolve(path[..<slash].isEmpty ? "/" : String(path[..<slash]))
        else { throw outside(path, field) }
        let name = path[path.index(after: slash)...]
        guard !name.isEmpty, name != ".", name != "..", isInside(folder) || roots.contains(folder)
        else { throw outside(path, field) }
        return folder + "/" + name
    }

    private func plain(_ location: String, _ field: String) throws(Refusal) -> String {
        guard location.unicodeScalars.count <= 1_024 else {
            throw .invalid(field, "has more than 1,024 characters")
        }
        var path = location
        if path.hasPrefix("file://") { path.removeFirst(7) }
        guard path.hasPrefix("/"), !path.utf8.contains(0) else {
            throw .invalid(
                field,
                "'\(location.prefix(200))' is no absolute path, such as /data/events.csv"
            )
        }
        return path
    }

    private func isInside(_ path: String) -> Bool {
        roots.contains { path.hasPrefix($0 == "/" ? "/" : $0 + "/") || path == $0 }
    }

    /// The same words whether or not there is such a file, so that nobody can search the disk.
    private func outside(_ path: String, _ field: String) -> Refusal {
        guard !roots.isEmpty else {
            return .invalid(
                field,
                "this server reads and writes no files for jobs; start it with \(flag) DIR, or "
                    + "send the file with ImportData"
            )
        }
        return .invalid(
            field,
            "there is no '\(path.prefix(200))' below a folder that \(flag) names"
        )
    }

    /// The whole path of what there is; nil when there is nothing.
    static func resolve(_ path: String) -> String? {
        guard let real = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }
}

/// What a job reads: one file, or those of a folder in order of their names.
struct SourceFile: Hashable {
    var path: String
    /// As lists of refused rows show it.
    var name: String
    var byteCount: UInt64

    static func all(of source: FileSource) throws(Refusal) -> [SourceFile] {
        guard let status = status(source.path) else {
            throw Refusal(.invalidInput, "the file '\(source.path)' is gone")
        }
        if status.isFile {
            let name = source.isUpload ? source.shownName : lastPart(source.path)
            return [SourceFile(path: source.path, name: name, byteCount: status.byteCount)]
        }
        guard let folder = unsafe opendir(source.path) else {
            throw Refusal(.invalidInput, "the folder '\(source.path)' can't be read")
        }
        defer { unsafe closedir(folder) }
        var files: [SourceFile] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe name(of: entry)
            let path = source.path + "/" + name
            guard !name.hasPrefix("."), let found = self.status(path), found.isFile else {
                continue
            }
            files.append(SourceFile(path: path, name: name, byteCount: found.byteCount))
        }
        guard !files.isEmpty else {
            throw Refusal(.invalidInput, "the folder '\(source.path)' has no files")
        }
        return files.sorted { $0.name < $1.name }
    }

    static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
        unsafe withUnsafePointer(to: entry.pointee.d_name) { start in
            unsafe start.withMemoryRebound(to: CChar.self, capacity: 256) {
                unsafe String(cString: $0)
            }
        }
    }

    /// Of plain files and folders; links inside a folder are passed over, as they may lead out.
    private static func status(_ path: String) -> (isFile: Bool, byteCount: UInt64)? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return (true, UInt64(status.st_size))
        case S_IFDIR: return (false, 0)
        default: return nil
        }
    }

    private static func lastPart(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}

/// A file that is read from its start.
///
/// Confined to one thread.
final class FileInput {
    private let descriptor: Int32
    private(set) var readCount: UInt64 = 0
    private let path: String

    init(_ path: String) throws(Refusal) {
        self.path = path
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            throw Refusal(.invalidInput, "'\(path)' can't be read: \(SystemMessage.last)")
        }
    }

    deinit {
        close(descriptor)
    }

    /// The next bytes; empty at the end.
    func next() throws(Refusal) -> [UInt8] {
        var hasFailed = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Limits.filePieceBytes) {
            buffer,
            count in
            let result = unsafe read(descriptor, buffer.baseAddress, buffer.count)
            hasFailed = result < 0
            count = max(0, result)
        }
        if hasFailed {
            throw Refusal(.invalidInput, "'\(path)' can't be read: \(SystemMessage.last)")
        }
        readCount += UInt64(bytes.count)
        return bytes
    }
}

/// What the system says of its last error on this thread.
enum SystemMessage {
    static var last: String { unsafe String(cString: strerror(errno)) }
}
