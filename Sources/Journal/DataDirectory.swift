import Glibc

/// The folder of a store.
enum DataDirectory {
    /// Makes `path` and its parents; the directory entry is durable when this returns.
    static func make(_ path: String) throws(JournalError) {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            let parent = made.isEmpty ? "." : made
            made += made.isEmpty || made == "/" ? String(part) : "/\(part)"
            guard unsafe mkdir(made, 0o750) != 0 else {
                sync(parent)
                continue
            }
            guard errno == EEXIST else {
                throw JournalError(
                    .io,
                    "the data directory '\(path)' can't be made: "
                        + (unsafe String(cString: strerror(errno)))
                )
            }
        }
    }

    private static func sync(_ path: String) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
