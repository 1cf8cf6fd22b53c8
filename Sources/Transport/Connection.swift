import Metrics
import Primitives

/// A socket with an HTTP/2 session.
///
/// Lives and dies on one reactor.
///
/// Reads up to a budget a turn, writes once a turn.
final class Connection: Pollable {
    enum Phase {
        /// A client's connect is under way.
        case connecting
        case open
        /// Nothing more is read; what is to be sent goes out, then the socket closes.
        case draining
        case closed
    }

    let session: Session
    let reactor: Reactor
    private let metrics: TransportMetrics?
    private let descriptor: Int32
    private var token: UInt64 = 0
    private var phase: Phase
    private let output = ByteWriter(capacity: 4_096)
    private var sentCount = 0
    private var isDirty = false
    private var isWaitingForWrite = false
    private var timer: TimerToken?
    private let openedNanoseconds: UInt64
    private var lastStreamNanoseconds: UInt64
    private var stalledSinceNanoseconds: UInt64?
    /// Told once, when the socket is closed.
    var onClose: ((TransportError?) -> Void)?
    /// Told once, when a client's connect stands.
    var onConnect: (() -> Void)?

    init(
        _ descriptor: Int32,
        on reactor: Reactor,
        role: Session.Role,
        isConnecting: Bool,
        metrics: TransportMetrics? = nil
    ) {
        self.descriptor = descriptor
        self.reactor = reactor
        self.metrics = metrics
        session = Session(loop: reactor, role: role)
        session.onStream = metrics.map { metrics in { metrics.streams.add() } }
        phase = isConnecting ? .connecting : .open
        openedNanoseconds = reactor.nowNanoseconds
        lastStreamNanoseconds = reactor.nowNanoseconds
        isWaitingForWrite = isConnecting
    }

    /// Begins to poll; until `close` the reactor holds the connection.
    func start() {
        token = reactor.register(self, descriptor, writable: isWaitingForWrite)
        session.onOutput = { [unowned self] in markDirty() }
        markDirty()
        scheduleCheck()
    }

    private func markDirty() {
        guard !isDirty else { return }
        isDirty = true
        reactor.markDirty(self)
    }

    // MARK: Polling

    func ready(isReadable: Bool, isWritable: Bool) {
        if case .connecting = phase {
            guard isWritable || isReadable else { return }
            if let error = SystemCalls.connectFailure(descriptor) { return close(error) }
            phase = .open
            onConnect?()
            onConnect = nil
            markDirty()
        }
        if isReadable { read() }
        if isWritable { markDirty() }
    }

    private func read() {
        guard case .open = phase else {
            // Draining: look only for the end.
            switch unsafe SystemCalls.read(descriptor, reactor.readBuffer.bytes) {
            case .closed: close(nil)
            case .bytes, .wouldBlock: break
            }
            return
        }
        switch unsafe SystemCalls.read(descriptor, reactor.readBuffer.bytes) {
        case .wouldBlock:
            return
        case .closed:
            close(nil)
        case .bytes(let count):
            metrics?.bytesReceived.add(count)
            let bytes = unsafe UnsafeRawBufferPointer(
                rebasing: reactor.readBuffer.bytes[0..<count]
            )
            do throws(Session.Failure) {
                try unsafe session.receive(bytes)
            } catch .flooded {
                metrics?.floods.add()
                session.goAway(.enhanceYourCalm)
                endAfterOutput()
            } catch {
                metrics?.protocolErrors.add()
                endAfterOutput()
            }
            if !session.streams.isEmpty { lastStreamNanoseconds = reactor.nowNanoseconds }
            markDirty()
        }
    }

    /// Sends what is waiting, then closes.
    private func endAfterOutput() {
        phase = .draining
        session.closeAll(.cancel)
        markDirty()
    }

    // MARK: Writing

    func endOfTurn() {
        isDirty = false
        switch phase {
        case .closed, .connecting: return
        case .open, .draining: break
        }
        let hasMore = session.drain(into: output)
        write()
        if case .closed = phase { return }
        let isEmpty = output.count == sentCount
        // No event will say that a socket which took everything wants the rest.
        if isEmpty, hasMore { return markDirty() }
        if isEmpty, session.isFinished { return close(nil) }
        if isEmpty, case .draining = phase { return close(nil) }
        if isWaitingForWrite == isEmpty {
            isWaitingForWrite = !isEmpty
            reactor.change(descriptor, token: token, writable: isWaitingForWrite)
        }
    }

    private func write() {
        guard output.count > sentCount else { return }
        let transfer = unsafe output.withUnsafeBytes { bytes in
            unsafe SystemCalls.write(
                descriptor,
                UnsafeRawBufferPointer(rebasing: bytes[sentCount...])
            )
        }
        switch transfer {
        case .bytes(let count):
            metrics?.bytesSent.add(count)
            sentCount += count
            stalledSinceNanoseconds = nil
            if sentCount == output.count {
                output.removeAll()
                sentCount = 0
                tellWritable()
            } else if sentCount > Limits.connectionOutputBytesMax / 2 {
                output.removeFirst(sentCount)
                sentCount = 0
            }
        case .wouldBlock:
            if stalledSinceNanoseconds == nil { stalledSinceNanoseconds = reactor.nowNanoseconds }
        case .closed:
            close(nil)
        }
    }

    /// Streams whose own buffer has drained may produce more.
    private func tellWritable() {
        for stream in session.streams.values
        where stream.unsentCount == 0 && stream.wantsWritable {
            stream.wantsWritable = false
            stream.handler?.writable()
        }
    }

    // MARK: Time

    private func scheduleCheck() {
        let next = reactor.nowNanoseconds + 1_000_000_000
        timer = reactor.schedule(atNanoseconds: next) { [weak self] in self?.check() }
    }

    /// Once a second: whether a phase has lasted too long.
    private func check() {
        timer = nil
        if case .closed = phase { return }
        let now = reactor.nowNanoseconds
        func passed(_ since: UInt64, _ boundMS: Int) -> Bool {
            now &- since > UInt64(boundMS) * 1_000_000 && now > since
        }
        if !session.hasReceivedSettings, passed(openedNanoseconds, Limits.handshakeTimeoutMS) {
            metrics?.handshakeTimeouts.add()
            return close(TransportError(.closed, "the peer sent no HTTP/2 preface in time"))
        }
        if let stalled = stalledSinceNanoseconds, passed(stalled, Limits.stalledWriteTimeoutMS) {
            metrics?.stalledWrites.add()
            return close(TransportError(.closed, "the peer took no bytes for too long"))
        }
        if !session.streams.isEmpty {
            lastStreamNanoseconds = now
        } else if case .server = session.role, passed(lastStreamNanoseconds, Limits.idleTimeoutMS) {
            metrics?.idleTimeouts.add()
            session.goAway(.noError)
            endAfterOutput()
        }
        scheduleCheck()
    }

    // MARK: Ending

    /// GOAWAY twice; the connection closes when its last stream has.
    func drain() {
        session.announceShutdown()
        let delay = UInt64(Limits.goAwayDelayMS) * 1_000_000
        _ = reactor.schedule(atNanoseconds: reactor.nowNanoseconds + delay) { [weak self] in
            guard let self, case .open = phase else { return }
            session.goAway(.noError)
            markDirty()
        }
    }

    func close(_ error: TransportError?) {
        if case .closed = phase { return }
        phase = .closed
        if let timer { reactor.cancel(timer) }
        reactor.unregister(descriptor, token: token)
        SystemCalls.close(descriptor)
        session.onOutput = nil
        onConnect = nil
        let onClose = onClose
        self.onClose = nil
        // First the reason, then the streams that end for it.
        onClose?(error)
        session.closeAll(.cancel)
    }
}
