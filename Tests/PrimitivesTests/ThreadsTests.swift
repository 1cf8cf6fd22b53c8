import Dispatch
import Foundation
import Primitives
import Testing

@Suite
struct `Started threads` {
    @Test
    func `that nobody joins leave nothing behind`() throws {
        let before = try addressSpaceBytes()
        let count = 2_000
        for _ in 0..<count {
            let done = DispatchSemaphore(value: 0)
            let thread = Threads.start(name: "short") { done.signal() }
            #expect(thread != nil)
            done.wait()
        }
        // A stack takes megabytes of addresses.
        #expect(try addressSpaceBytes() - before < count << 20)
    }

    /// What the process has mapped, used or not.
    private func addressSpaceBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        let pages = try #require(text.split(separator: " ").first.flatMap { Int($0) })
        return pages * Int(getpagesize())
    }
}
