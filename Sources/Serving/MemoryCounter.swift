import Dispatch
package import Engine
package import Journal
package import Primitives
import Recipes
import Resources
import Synchronization

/// Counts what takes memory, structure by structure, and tells the guard what is largest.
///
/// A thread of its own; what belongs to the writer it counts on the writer's thread, a part at a
/// time between two batches, each some ms at a million records.
package final class MemoryCounter: Sendable {
    private let journal: Journal
    private let registry: ModelRegistry
    private let memory: MemoryGuard
    private let last = Mutex(MemoryUse())
    private let stop = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    package init(journal: Journal, registry: ModelRegistry, memory: MemoryGuard) {
        self.journal = journal
        self.registry = registry
        self.memory = memory
    }

    /// What was counted last.
    package var use: MemoryUse { last.withLock { $0 } }

    package func start() {
        let thread = Threads.start(name: "memory counter") { [self] in
            // Soon after the budget is used up, too: those who are refused want to know why.
            let look = DispatchTimeInterval.milliseconds(Limits.memoryLookIntervalMS)
            var next = DispatchTime.now()
            var wasOver = false
            repeat {
                let isNews = memory.isOver && !wasOver
                wasOver = memory.isOver
                let began = DispatchTime.now()
                guard isNews || began >= next else { continue }
                count()
                let took = DispatchTime.now().uptimeNanoseconds - began.uptimeNanoseconds
                next = .now() + .nanoseconds(Self.pause(after: Int(clamping: took)))
            } while stop.wait(timeout: .now() + look) == .timedOut
            ended.signal()
        }
        precondition(thread != nil, "no thread could be started")
    }

    /// So long that counting takes a hundredth of the time.
    private static func pause(after took: Int) -> Int {
        let bounds = (Limits.memoryCountIntervalMinMS, Limits.memoryCountIntervalMaxMS)
        return min(max(100 * took, bounds.0 * 1_000_000), bounds.1 * 1_000_000)
    }

    package func end() {
        stop.signal()
        ended.wait()
    }

    /// Counts everything and waits for it.
    package func count() {
        let counted = Box()
        for case .datasetGroup(let group) in journal.engine.resources.all(.datasetGroup) {
            var part = 0
            // A group may grow, or go, meanwhile.
            while let count = add(part, of: group.index, to: counted), part < count { part += 1 }
        }
        onWriter { [registry] in counted.value.withLock { $0.models = registry.models } }
        var use = counted.value.withLock { $0.use }
        for model in counted.value.withLock({ $0.models }) { use.add(model.byteCount, to: .models) }
        use.add(registry.servedLists.byteCount, to: .servedLists)
        use.add(journal.storeMemoryByteCount, to: .store)
        let done = use
        last.withLock { $0 = done }
        let largest = done.sorted.prefix(3).map { structure, bytes in
            "\(structure.rawValue) \(bytes >> 20) MiB"
        }
        memory.explain(largest.joined(separator: ", "))
    }

    /// - Returns: How many parts the group has now; `nil` when it is gone.
    private func add(_ part: Int, of group: GroupIndex, to counted: Box) -> Int? {
        let parts = Mutex<Int?>(nil)
        onWriter { [engine = journal.engine] in
            guard let store = engine.group(group) else { return }
            counted.value.withLock { store.addMemory(part: part, to: &$0.use) }
            parts.withLock { $0 = store.memoryPartCount }
        }
        return parts.withLock { $0 }
    }

    private func onWriter(_ work: @escaping @Sendable () -> Void) {
        let done = DispatchSemaphore(value: 0)
        journal.sequencer.perform {
            work()
            done.signal()
        }
        done.wait()
    }

    private final class Box: Sendable {
        let value = Mutex((use: MemoryUse(), models: [any TrainedModel]()))
    }
}
