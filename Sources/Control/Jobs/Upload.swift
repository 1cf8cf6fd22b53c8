import Dispatch
import Glibc
import Primitives
package import Resources

/// A file that a client sends, on its way to the disk.
///
/// Written on a queue of its own, since a reactor never waits for a disk. What is not finished is
/// discarded.
package final class Upload: Sendable {
    private let queue = DispatchQueue(label: "upload")
    private let path: String
    /// -1 once it is closed.
    private let file: Confined<Int32>

    /// Only the queue touches it.
    private final class Confined<Value>: @unchecked Sendable {
        // SAFETY of `@unchecked`: read and written in work of one serial queue.
        var value: Value

        init(_ value: Value) {
            self.value = value
        }
    }

    /// - Parameters:
    ///   - folder: Where uploads are kept; made if absent.
    ///   - name: The client's own name of the file, for lists of refused rows.
    /// - Throws: `unavailable` when the disk takes no file.
    package init(in folder: String, name: String) throws(Refusal) {
        _ = unsafe mkdir(folder, 0o700)
        let shown = String(name.split(separator: "/").last ?? "upload")
        let safe = String(
            shown.unicodeScalars.filter { $0.value >= 0x20 }.prefix(60).map(Character.init)
        )
        path = "\(folder)/\(ControlPlane.randomToken(characters: 16))-\(safe)"
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw Refusal(.unavailable, "the file can't be kept: \(SystemMessage.last)")
        }
        file = Confined(descriptor)
    }

    /// Writes behind what came before; `done` gets what is wrong, on another thread.
    package func append(_ bytes: [UInt8], done: @escaping @Sendable (Refusal?) -> Void) {
        queue.async { [file] in
            var offset = 0
            while offset < bytes.count {
                let count = unsafe bytes.withUnsafeBytes { buffer in
                    unsafe write(
                        file.value,
                        buffer.baseAddress.map { unsafe $0 + offset },
                        buffer.count - offset
                    )
                }
                guard count > 0 else {
                    return done(
                        Refusal(.unavailable, "the file can't be kept: \(SystemMessage.last)")
                    )
                }
                offset += count
            }
            done(nil)
        }
    }

    /// Makes the file durable; `done` gets its path, on another thread.
    package func finish(done: @escaping @Sendable (Result<String, Refusal>) -> Void) {
        queue.async { [file, path] in
            let isDurable = fsync(file.value) == 0
            close(file.value)
            file.value = -1
            guard isDurable else {
                let reason = SystemMessage.last
                _ = unsafe unlink(path)
                return done(.failure(Refusal(.unavailable, "the file can't be kept: \(reason)")))
            }
            done(.success(path))
        }
    }

    /// Forgets the file.
    package func discard() {
        queue.async { [file, path] in
            if file.value >= 0 { close(file.value) }
            file.value = -1
            _ = unsafe unlink(path)
        }
    }

    /// Deletes what no job needs, after a restart.
    package static func removeAll(in folder: String, but kept: Set<String>) {
        guard let listing = unsafe opendir(folder) else { return }
        defer { unsafe closedir(listing) }
        var paths: [String] = []
        while let entry = unsafe readdir(listing) {
            let name = unsafe SourceFile.name(of: entry)
            if name != "." && name != ".." { paths.append(folder + "/" + name) }
        }
        for path in paths where !kept.contains(path) { _ = unsafe unlink(path) }
    }
}
