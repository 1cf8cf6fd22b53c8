import Foundation
import Glibc
import Primitives
import Synchronization

/// Lines on their way to standard error, which a thread of its own writes.
///
/// Whoever reads may stop to: then a write waits, for as long as they like. So lines wait here, up
/// to `Limits.logBytesWaitingMax`, and what has no room is left out and counted. When there is room
/// again a line says how many.
final class LogLines: Sendable {
    private struct State {
        var waiting: [UInt8] = []
        var isWriting = false
        var leftOut = 0
    }

    private let state = Mutex(State())
    private let news = DispatchSemaphore(value: 0)
    private let leftOutCount = Atomic<Int>(0)

    /// Lines that were left out so far.
    var leftOut: Int { leftOutCount.load(ordering: .relaxed) }

    /// Takes one line, which ends with a newline; does not wait for whoever reads.
    func add(_ line: String) {
        let isFirst = state.withLock { state in
            guard state.waiting.count + line.utf8.count <= Limits.logBytesWaitingMax else {
                state.leftOut += 1
                leftOutCount.add(1, ordering: .relaxed)
                return false
            }
            state.waiting += line.utf8
            return state.waiting.count == line.utf8.count
        }
        if isFirst { news.signal() }
    }

    /// Starts the thread that writes; what was added before waits for it.
    ///
    /// - Parameter tell: Makes the line that says how many were left out.
    func start(tell: @escaping @Sendable (_ leftOut: Int) -> String) {
        let thread = Threads.start(name: "log") { [self] in
            while true {
                news.wait()
                write(tell)
            }
        }
        precondition(thread != nil, "no thread could be started")
    }

    private func write(_ tell: (Int) -> String) {
        let (bytes, leftOut) = state.withLock { state in
            defer {
                state.waiting = []
                state.leftOut = 0
                state.isWriting = true
            }
            return (state.waiting, state.leftOut)
        }
        Self.write(bytes)
        if leftOut > 0 { Self.write(Array(tell(leftOut).utf8)) }
        state.withLock { $0.isWriting = false }
    }

    /// Writes all of it, however long that takes; nothing when nobody can read it.
    private static func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { bytes in
                unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
            }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                // Somebody else made it so; it is theirs as well.
                var waiting = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&waiting, 1, -1)
            } else if errno != EINTR {
                return
            }
        }
    }

    /// Waits until everything is written, for a second at most.
    func flush() {
        for _ in 0..<100 {
            if state.withLock({ $0.waiting.isEmpty && !$0.isWriting }) { return }
            Threads.sleep(milliseconds: 10)
        }
    }
}
