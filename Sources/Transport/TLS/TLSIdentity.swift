import Glibc
import Synchronization

/// A server's certificates, which may be renewed while it runs.
///
/// New connections use what was read last; a file that can't be used changes nothing.
package final class TLSIdentity: Sendable {
    package enum Reload: Sendable, Equatable {
        case unchanged
        case renewed
        /// What was there before stays.
        case refused(TransportError)
    }

    /// What tells one version of the files from another.
    private struct Stamp: Equatable {
        var device: UInt64 = 0
        var inode: UInt64 = 0
        var bytes: Int64 = 0
        var seconds: Int = 0
        var nanoseconds: Int = 0
    }

    private struct State {
        var context: TLSContext
        /// Of the files when they were read last, whether they could be used or not.
        var stamps: [Stamp]
    }

    package let files: TLSFiles
    private let state: Mutex<State>

    package init(_ files: TLSFiles) throws(TransportError) {
        self.files = files
        let stamps = Self.stamps(files)
        state = Mutex(State(context: try TLSContext(server: files), stamps: stamps))
    }

    /// What new connections use.
    package var current: TLSContext { state.withLock { $0.context } }

    /// Reads the files again.
    package func reload() -> Reload {
        // Before they are read: what changes meanwhile is seen the next time.
        let stamps = Self.stamps(files)
        do throws(TransportError) {
            let context = try TLSContext(server: files)
            state.withLock { $0 = State(context: context, stamps: stamps) }
            return .renewed
        } catch {
            state.withLock { $0.stamps = stamps }
            return .refused(error)
        }
    }

    /// The same, if a file is another one than when they were read last.
    package func reloadIfChanged() -> Reload {
        let stamps = Self.stamps(files)
        return state.withLock({ $0.stamps == stamps }) ? .unchanged : reload()
    }

    private static func stamps(_ files: TLSFiles) -> [Stamp] {
        files.all.map { path in
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
    }
}
