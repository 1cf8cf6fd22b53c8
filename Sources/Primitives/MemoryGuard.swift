import CLinux
import Dispatch
import Glibc
import Synchronization

/// Watches how much memory the process has, and says when no more records are to be taken.
///
/// What counts is what the system would end the process for: its resident pages without those of
/// files. A tenth of a second old at most; asking is one load.
package final class MemoryGuard: Sendable {
    /// In bytes; `nil`: no bound.
    package let budget: Int?
    private let over = Atomic<Bool>(false)
    private let resident = Atomic<Int>(0)
    private let isStopping = Atomic<Bool>(false)
    private let wakeUp = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    /// What takes most, for those who are refused.
    private let words = Mutex("")

    package init(budget: Int?) {
        self.budget = budget
        resident.store(Self.residentByteCount(), ordering: .relaxed)
        guard budget != nil else {
            ended.signal()
            return
        }
        let thread = Threads.start(name: "memory") { [self] in run() }
        precondition(thread != nil, "no thread could be started")
    }

    /// Whether the budget is used up; it is until a thirtieth of it is free again.
    package var isOver: Bool { over.load(ordering: .relaxed) }

    /// Bytes that the process has.
    package var residentBytes: Int { resident.load(ordering: .relaxed) }

    package func explain(_ text: String) { words.withLock { $0 = text } }

    /// What takes most of it, in words; empty while nobody has said.
    package var explanation: String { words.withLock { $0 } }

    /// Ends the thread.
    package func stop() {
        isStopping.store(true, ordering: .releasing)
        wakeUp.signal()
        ended.wait()
        ended.signal()
    }

    private func run() {
        var lastTrim: UInt64 = 0
        while !isStopping.load(ordering: .acquiring) {
            look()
            let now = DispatchTime.now().uptimeNanoseconds
            if isOver, now > lastTrim + Limits.memoryTrimIntervalNS {
                // What was freed inside goes back to the system, so that it counts no more.
                bowerbird_return_memory()
                lastTrim = now
                look()
            }
            _ = wakeUp.wait(timeout: .now() + .milliseconds(Limits.memoryLookIntervalMS))
        }
        ended.signal()
    }

    private func look() {
        guard let budget else { return }
        let bytes = Self.residentByteCount()
        resident.store(bytes, ordering: .relaxed)
        let bound = isOver ? budget - budget / 30 : budget
        over.store(bytes >= bound, ordering: .relaxed)
    }

    /// Resident pages that are of no file; 0 where the system does not tell.
    package static func residentByteCount() -> Int {
        guard let file = unsafe fopen("/proc/self/statm", "re") else { return 0 }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard unsafe fgets(&line, 256, file) != nil else { return 0 }
        let bytes = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let numbers = String(decoding: bytes, as: UTF8.self).split(separator: " ")
            .compactMap { Int($0) }
        guard numbers.count > 2 else { return 0 }
        return (numbers[1] - numbers[2]) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// What the process may have: the machine's memory, or less where its control group says so.
    package static func availableByteCount() -> Int {
        let pages = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
        var line = [CChar](repeating: 0, count: 64)
        guard let file = unsafe fopen("/sys/fs/cgroup/memory.max", "re") else { return pages }
        defer { unsafe fclose(file) }
        guard unsafe fgets(&line, 64, file) != nil else { return pages }
        let digits = line.prefix { (0x30...0x39).contains($0) }.map { UInt8($0) }
        return min(pages, Int(String(decoding: digits, as: UTF8.self)) ?? pages)
    }
}
