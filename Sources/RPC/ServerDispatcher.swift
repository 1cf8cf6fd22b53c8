package import Primitives
import Synchronization
package import Transport

/// What every reactor of one server shares to serve calls.
package final class ServerDispatcher: Sendable {
    package let router: Router
    package let clock: any Clock
    package let interceptors: [any Interceptor]
    package let messageBytesMax: Int

    /// Tells this process's request ids from another's; a random number of the program's choice.
    package let processTag: UInt64

    package let receiveBudget: ReceiveBudget

    /// Adds what programs can read to a status that has only words: this layer writes no messages.
    let explain: Explain
    let compression = MessageCompression()

    private let running = Atomic<Int>(0)

    /// A status with details; `retryMS` says when to try again, where that is known.
    package typealias Explain = @Sendable (_ status: Status, _ retryMS: Int?) -> Status

    package init(
        router: Router,
        clock: any Clock = SystemClock(),
        interceptors: [any Interceptor] = [],
        messageBytesMax: Int = Limits.messageBytesMax,
        receiveBudget: ReceiveBudget = ReceiveBudget(),
        processTag: UInt64 = 0,
        explain: @escaping Explain = { status, _ in status }
    ) {
        self.router = router
        self.clock = clock
        self.interceptors = interceptors
        self.messageBytesMax = messageBytesMax
        self.receiveBudget = receiveBudget
        self.processTag = processTag
        self.explain = explain
    }

    /// Calls that have begun and not ended, on all reactors; a drain waits for 0.
    package var callsInFlight: Int { running.load(ordering: .relaxed) }

    /// The acceptor of one reactor; made on that reactor's thread.
    package func makeAcceptor() -> CallAcceptor {
        CallAcceptor(dispatcher: self)
    }

    func callBegan() {
        running.add(1, ordering: .relaxed)
    }

    func callEnded() {
        running.subtract(1, ordering: .relaxed)
    }
}

/// Makes a `ServerCall` of every stream that a peer opens on one reactor.
///
/// Calls that are over come back and are used again, unless somebody holds them even then.
package final class CallAcceptor: StreamAcceptor {
    private let dispatcher: ServerDispatcher
    private var serial: UInt64 = 0
    private var spareCalls: [ServerCall] = []

    init(dispatcher: ServerDispatcher) {
        self.dispatcher = dispatcher
    }

    package func accept(_ stream: any ByteStream) -> any ByteStreamHandler {
        serial &+= 1
        let call = spareCall() ?? ServerCall(dispatcher: dispatcher, loop: stream.loop)
        call.open(
            on: stream,
            self,
            identity: .generated(
                process: dispatcher.processTag,
                reactor: call.loop.index,
                serial: serial
            )
        )
        return call
    }

    /// Takes a call whose stream is gone.
    func take(back call: ServerCall) {
        if spareCalls.count < Limits.reactorCallsKept { spareCalls.append(call) }
    }

    private func spareCall() -> ServerCall? {
        guard var call = spareCalls.popLast(), isKnownUniquelyReferenced(&call) else { return nil }
        call.forget()
        return call
    }
}
