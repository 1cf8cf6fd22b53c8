import Primitives
import Synchronization

/// How many lines of one kind a log gets in a second: when there are very many, a few tell as much.
final class LineLimit: Sendable {
    private struct Window {
        var startedNanoseconds: UInt64 = 0
        var lines = 0
        var leftOut = 0
    }

    private let linesPerSecondMax: Int
    private let window = Mutex(Window())

    init(linesPerSecondMax: Int) {
        self.linesPerSecondMax = linesPerSecondMax
    }

    /// How many lines were left out before this one; `nil` when this one is left out, too.
    func admit(now: UInt64) -> Int? {
        window.withLock { window in
            if now > window.startedNanoseconds + 1_000_000_000 {
                window.startedNanoseconds = now
                window.lines = 0
            }
            guard window.lines < linesPerSecondMax else {
                window.leftOut += 1
                return nil
            }
            window.lines += 1
            defer { window.leftOut = 0 }
            return window.leftOut
        }
    }
}
