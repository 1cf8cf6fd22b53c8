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

    private struct State {
        var context: TLSContext
        /// Of the files when they were read last, whether they could be used or not.
        var stamps: [Files.Stamp]
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

    private static func stamps(_ files: TLSFiles) -> [Files.Stamp] {
        files.all.map { Files.stamp($0) }
    }
}
