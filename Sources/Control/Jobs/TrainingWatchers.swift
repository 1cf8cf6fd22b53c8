import Primitives
package import Resources
import Synchronization

/// Who wants to hear of trainings, by version.
///
/// They are told on the thread that changes something, and must not stay there.
package final class TrainingWatchers: Sendable {
    private struct State {
        var next: UInt64 = 0
        var watchers: [UInt64: (version: ResourceName, tell: @Sendable () -> Void)] = [:]
        var lastProgress = 0.0
        var lastNanoseconds: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// - Returns: What to give to `remove`.
    package func add(_ version: ResourceName, _ tell: @escaping @Sendable () -> Void) -> UInt64 {
        state.withLock { state in
            state.next += 1
            state.watchers[state.next] = (version, tell)
            return state.next
        }
    }

    package func remove(_ id: UInt64) {
        state.withLock { _ = $0.watchers.removeValue(forKey: id) }
    }

    /// The version has another status.
    func changed(_ version: ResourceName) {
        let told = state.withLock { state in
            state.watchers.values.filter { $0.version == version }
        }
        for watcher in told { watcher.tell() }
    }

    /// The training is farther; told when it is a hundredth and a tenth of a second since.
    func progressed(_ version: ResourceName, _ progress: Double, _ now: UInt64) {
        let isWorth = state.withLock { state in
            guard abs(progress - state.lastProgress) >= 0.01,
                now &- state.lastNanoseconds >= 100_000_000
            else { return false }
            state.lastProgress = progress
            state.lastNanoseconds = now
            return true
        }
        if isWorth { changed(version) }
    }
}
