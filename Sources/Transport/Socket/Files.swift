import Glibc

/// Small files that settings name: certificates, tokens.
package enum Files {
    /// What tells one version of a file from another; all zero for one that is not there.
    package struct Stamp: Equatable, Sendable {
        var device: UInt64 = 0
        var inode: UInt64 = 0
        var bytes: Int64 = 0
        var seconds: Int = 0
        var nanoseconds: Int = 0

        package static let absent = Stamp()
    }

    package static func stamp(_ path: String) -> Stamp {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return Stamp() }
        return Stamp(
            device: UInt64(status.st_dev),
            inode: UInt64(status.st_ino),
            bytes: Int64(status.st_size),
            seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec
        )
    }

    package static func exists(_ path: String) -> Bool { stamp(path) != Stamp() }

    /// The whole of a file of at most `bytesMax` bytes.
    package static func read(
        _ path: String,
        bytesMax: Int
    ) throws(TransportError) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemCalls.failure("read '\(path)'") }
        defer { SystemCalls.close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemCalls.failure("read '\(path)'") }
            if count == 0 { break }
            bytes += buffer[..<count]
            guard bytes.count <= bytesMax else {
                throw TransportError(
                    .systemCall,
                    "'\(path)' has more than \(bytesMax) bytes, which is the limit"
                )
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Puts a file in place of another in one step, readable by its owner only.
    package static func replace(_ path: String, _ text: String) throws(TransportError) {
        let temporary = path + ".new"
        _ = unsafe unlink(temporary)
        try SystemCalls.writeNew(temporary, mode: 0o600, Array(text.utf8))
        guard unsafe rename(temporary, path) == 0 else {
            throw SystemCalls.failure("replace '\(path)'")
        }
    }
}
