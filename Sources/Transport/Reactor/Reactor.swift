import Primitives
import Synchronization

/// Something that waits for its descriptor on a reactor.
protocol Pollable: AnyObject {
    func ready(isReadable: Bool, isWritable: Bool)
    /// The end of a loop turn in which `Reactor.markDirty` was called.
    func endOfTurn()
}

/// One thread, its epoll, its timers and its connections.
///
/// Made and used inside its thread only; `mailbox` is the one door.
package final class Reactor: EventLoop {
    package let index: Int
    package let mailbox: Mailbox
    package private(set) var nowNanoseconds: UInt64

    /// Open connections; read by the acceptor to find the reactor with the fewest.
    let load: LoadCounter
    let clock: any Clock
    private let inbox: Inbox
    private let poller: Poller
    private var wheel: TimerWheel
    private var pollables: [UInt64: any Pollable] = [:]
    private var nextToken: UInt64 = 1
    private var dirty: [any Pollable] = []
    private var flushing: [any Pollable] = []
    private var posted: [@Sendable () -> Void] = []
    private var isRunning = true
    private var turnBeganNanoseconds: UInt64 = 0
    private var gate = OverloadGate()
    private var waits = Waits()
    /// One read buffer for all connections: what was read is consumed within the turn.
    let readBuffer: ReadBuffer
    /// Where TLS leaves plaintext, for all connections as well.
    private(set) lazy var plainBuffer = ReadBuffer(byteCount: Limits.plainBytesPerRead)

    init(index: Int, inbox: Inbox, load: LoadCounter, clock: any Clock) throws(TransportError) {
        self.index = index
        self.inbox = inbox
        self.load = load
        self.clock = clock
        poller = try Poller()
        nowNanoseconds = clock.monotonicNanoseconds()
        wheel = TimerWheel(nowNanoseconds: nowNanoseconds)
        mailbox = inbox.makeMailbox()
        readBuffer = ReadBuffer(byteCount: Limits.readBytesPerTurn)
        poller.add(inbox.descriptor, token: 0, writable: false)
    }

    package func schedule(
        atNanoseconds deadlineNanoseconds: UInt64,
        _ work: @escaping () -> Void
    ) -> TimerToken {
        wheel.schedule(atNanoseconds: deadlineNanoseconds, work)
    }

    package func cancel(_ token: TimerToken) {
        wheel.cancel(token)
    }

    package var turnElapsedNanoseconds: UInt64 {
        let now = clock.monotonicNanoseconds()
        return now > turnBeganNanoseconds ? now - turnBeganNanoseconds : 0
    }

    package func isOverloaded(waitMaxNanoseconds: UInt64) -> Bool {
        guard gate.isWatching(at: nowNanoseconds) else { return false }
        let wait = turnBeganNanoseconds &+ turnElapsedNanoseconds &- waits.workSince
        return gate.refuses(
            wait: wait,
            over: waitMaxNanoseconds,
            at: nowNanoseconds,
            worked: Threads.workedNanoseconds
        )
    }

    /// Says since when the bytes have waited whose work begins.
    ///
    /// - Parameter since: `nil` when their connection had left nothing unread.
    func beginWork(since: UInt64?) {
        waits.begin(since: since)
    }

    /// Says that a socket holds more than was read of it.
    func leaveUnread() {
        waits.hasLeftUnread = true
    }

    // MARK: Descriptors

    func register(_ pollable: any Pollable, _ descriptor: Int32, writable: Bool) -> UInt64 {
        let token = nextToken
        nextToken += 1
        pollables[token] = pollable
        poller.add(descriptor, token: token, writable: writable)
        return token
    }

    func change(_ descriptor: Int32, token: UInt64, writable: Bool) {
        poller.change(descriptor, token: token, writable: writable)
    }

    func unregister(_ descriptor: Int32, token: UInt64) {
        poller.remove(descriptor)
        pollables[token] = nil
    }

    /// Asks for `endOfTurn`; the caller sees to it that it asks once a turn.
    func markDirty(_ pollable: any Pollable) {
        dirty.append(pollable)
    }

    // MARK: The loop

    func stop() {
        isRunning = false
    }

    /// Runs until `stop`; one iteration is one turn.
    func run() {
        while isRunning {
            let sleep = dirty.isEmpty ? wheel.sleepMS(nowNanoseconds: nowNanoseconds) : 0
            poller.wait(timeoutMS: sleep) { isWhole in
                turnBeganNanoseconds = clock.monotonicNanoseconds()
                nowNanoseconds = turnBeganNanoseconds
                if waits.beginTurn(at: nowNanoseconds, isWhole: isWhole) {
                    gate.add(wait: 0, at: nowNanoseconds, worked: 0)
                }
            } _: { ready in
                if ready.token == 0 {
                    inbox.clear()
                } else {
                    // A token is never reused: one that was unregistered this turn finds nothing.
                    pollables[ready.token]?.ready(
                        isReadable: ready.isReadable,
                        isWritable: ready.isWritable
                    )
                }
            }
            nowNanoseconds = clock.monotonicNanoseconds()
            inbox.take(&posted)
            for work in posted { work() }
            posted.removeAll(keepingCapacity: true)
            for work in wheel.due(nowNanoseconds: nowNanoseconds) { work() }
            flushDirty()
            gate.add(
                wait: waits.longest,
                at: turnBeganNanoseconds,
                worked: Threads.workedNanoseconds
            )
            waits.endTurn(at: turnBeganNanoseconds + turnElapsedNanoseconds)
        }
        inbox.close()
        pollables = [:]
    }

    /// Who is marked meanwhile has its turn after the others' events.
    private func flushDirty() {
        swap(&dirty, &flushing)
        for pollable in flushing { pollable.endOfTurn() }
        flushing.removeAll(keepingCapacity: true)
    }
}

/// Work that other threads left for one reactor.
final class Inbox: Sendable {
    private struct State {
        var work: [@Sendable () -> Void] = []
        var isClosed = false
    }

    let descriptor: Int32
    private let state = Mutex(State())

    init() throws(TransportError) {
        descriptor = try SystemCalls.makeEventDescriptor()
    }

    deinit {
        SystemCalls.close(descriptor)
    }

    func makeMailbox() -> Mailbox {
        Mailbox { [self] work, wakes in post(work, waking: wakes) }
    }

    func post(_ work: @escaping @Sendable () -> Void, waking wakes: WakeBatch? = nil) {
        let wasEmpty = state.withLock { state in
            guard !state.isClosed else { return false }
            state.work.append(work)
            return state.work.count == 1
        }
        // Later posts ride on the same wake-up.
        guard wasEmpty else { return }
        if let wakes {
            wakes.add { [self] in SystemCalls.signal(descriptor) }
        } else {
            SystemCalls.signal(descriptor)
        }
    }

    /// Moves what was left into `work`, which is empty and whose memory is used for what comes.
    func take(_ work: inout [@Sendable () -> Void]) {
        state.withLock { state in
            if !state.work.isEmpty { swap(&state.work, &work) }
        }
    }

    func clear() {
        SystemCalls.clear(descriptor)
    }

    func close() {
        state.withLock { state in
            state.isClosed = true
            state.work = []
        }
    }
}

/// How many connections a reactor has.
final class LoadCounter: Sendable {
    private let value = Atomic<Int>(0)

    var count: Int { value.load(ordering: .relaxed) }
    func add(_ change: Int) { value.add(change, ordering: .relaxed) }
}

/// Bytes of one turn's reads.
@safe
final class ReadBuffer {
    let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
        unsafe bytes = .allocate(byteCount: byteCount, alignment: 64)
    }

    deinit {
        unsafe bytes.deallocate()
    }
}
