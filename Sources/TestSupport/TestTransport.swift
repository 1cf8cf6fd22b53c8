package import Primitives
import Synchronization
package import Transport

/// A loop that is driven by hand: time stands until a test moves it.
package final class TestLoop: EventLoop {
    package let index = 0
    package private(set) var nowNanoseconds: UInt64 = 1_000_000_000
    package let mailbox: Mailbox
    package var turnElapsedNanoseconds: UInt64 = 0
    /// How long the call that runs has waited in a queue that stands.
    package var standingWaitNanoseconds: UInt64 = 0
    private var wheel: TimerWheel
    private let posted: PostedWork

    package init() {
        let posted = PostedWork()
        self.posted = posted
        mailbox = Mailbox { work, _ in posted.add(work) }
        wheel = TimerWheel(nowNanoseconds: 1_000_000_000)
    }

    package func schedule(
        atNanoseconds deadlineNanoseconds: UInt64,
        _ work: @escaping () -> Void
    ) -> TimerToken {
        wheel.schedule(atNanoseconds: deadlineNanoseconds, work)
    }

    package func isOverloaded(waitMaxNanoseconds: UInt64) -> Bool {
        standingWaitNanoseconds > waitMaxNanoseconds
    }

    package func cancel(_ token: TimerToken) {
        wheel.cancel(token)
    }

    /// Moves the clock and fires what is due; then runs what was posted.
    package func advance(milliseconds: UInt64) {
        nowNanoseconds += milliseconds * 1_000_000
        for work in wheel.due(nowNanoseconds: nowNanoseconds) { work() }
        runPosted()
    }

    package func runPosted() {
        for work in posted.takeAll() { work() }
    }
}

/// Work that was posted to a test's loop.
private final class PostedWork: Sendable {
    private let work = Mutex<[@Sendable () -> Void]>([])

    func add(_ one: @escaping @Sendable () -> Void) {
        work.withLock { $0.append(one) }
    }

    func takeAll() -> [@Sendable () -> Void] {
        work.withLock { list in
            defer { list = [] }
            return list
        }
    }
}

/// A stream that remembers what was sent on it.
package final class TestStream: ByteStream {
    package let loop: any EventLoop
    package let outgoing = ByteWriter()
    package var peer = Peer()
    package let shared: ConnectionShare
    package private(set) var headers: HeaderBlock?
    package private(set) var trailers: HeaderBlock?
    package private(set) var isEnded = false
    package private(set) var resetCode: HTTP2ErrorCode?
    package private(set) var consumedCount = 0

    package init(loop: any EventLoop, shared: ConnectionShare = ConnectionShare()) {
        self.loop = loop
        self.shared = shared
    }

    package func send(headers: HeaderBlock, endStream: Bool) {
        self.headers = headers
        if endStream {
            trailers = headers
            isEnded = true
        }
    }

    package func flush(endStream: Bool) {
        if endStream { isEnded = true }
    }

    package func send(trailers: HeaderBlock) {
        self.trailers = trailers
        isEnded = true
    }

    package func reset(_ code: HTTP2ErrorCode) {
        resetCode = code
    }

    package func consumed(_ byteCount: Int) {
        consumedCount += byteCount
    }
}
