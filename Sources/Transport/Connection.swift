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
    private let settings: TransportSettings
    private let tls: TLSEngine?
    /// What the session wants to send, until TLS has taken it.
    private let plain = ByteWriter(capacity: 16)
    private let descriptor: Int32
    private var token: UInt64 = 0
    private var phase: Phase
    private let output = ByteWriter(capacity: 4_096)
    private var sentCount = 0
    private var isDirty = false
    private var isAged = false
    private var isWaitingForWrite = false
    private var timer: TimerToken?
    private var goAwayTimer: TimerToken?
    private let openedNanoseconds: UInt64
    private var lastStreamNanoseconds: UInt64
    private var stalledSinceNanoseconds: UInt64?
    /// When bytes last came, and when the peer was asked for some.
    private var heardNanoseconds: UInt64
    private var askedNanoseconds: UInt64?
    private var share = ReadShare()
    private var arrivals = ArrivalMarks()
    /// Told once, when the socket is closed.
    var onClose: ((TransportError?) -> Void)?
    /// Told once, when a client's connect stands.
    var onConnect: (() -> Void)?

    init(
        _ descriptor: Int32,
        on reactor: Reactor,
        role: Session.Role,
        isConnecting: Bool,
        peer: SocketAddress? = nil,
        tls: TLSEngine? = nil,
        settings: TransportSettings = TransportSettings(),
        metrics: TransportMetrics? = nil,
        shared: ConnectionShare = ConnectionShare()
    ) {
        self.descriptor = descriptor
        self.reactor = reactor
        self.metrics = metrics
        self.settings = settings
        self.tls = tls
        session = Session(loop: reactor, role: role, shared: shared)
        session.onStream = metrics.map { metrics in
            { $0 ? metrics.streams.add() : metrics.refusedStreams.add() }
        }
        session.onStreamFault = metrics.map { metrics in { metrics.streamFaults.add() } }
        session.onHeadersRefused = metrics.map { metrics in { metrics.refusedHeaders.add() } }
        session.peer = Peer(address: peer, isEncrypted: tls != nil)
        phase = isConnecting ? .connecting : .open
        openedNanoseconds = reactor.nowNanoseconds
        lastStreamNanoseconds = reactor.nowNanoseconds
        heardNanoseconds = reactor.nowNanoseconds
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
            if let tls {
                // The first step of the handshake is the client's.
                unsafe decrypt(UnsafeRawBufferPointer(start: nil, count: 0), tls)
            } else {
                connected()
            }
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
        let part = unsafe reactor.readBuffer.bytes[0..<share.byteCount]
        switch unsafe SystemCalls.read(descriptor, UnsafeMutableRawBufferPointer(rebasing: part)) {
        case .wouldBlock:
            return
        case .closed:
            close(nil)
        case .bytes(let count):
            metrics?.bytesReceived.add(count)
            heardNanoseconds = reactor.nowNanoseconds
            let bytes = unsafe UnsafeRawBufferPointer(
                rebasing: reactor.readBuffer.bytes[0..<count]
            )
            let began = share.isMeasured(count) ? reactor.turnElapsedNanoseconds : nil
            reactor.beginWork(since: arrivals.nextSince)
            arrivals.took(count)
            if let began, count == share.byteCount {
                markUnread(at: reactor.nowNanoseconds + began)
            }
            if let tls { unsafe decrypt(bytes, tls) } else { unsafe take(bytes) }
            if let began { share.took(count, nanoseconds: reactor.turnElapsedNanoseconds - began) }
            markDirty()
        }
    }

    /// A full read may have left more.
    private func markUnread(at now: UInt64) {
        let count = SystemCalls.unreadCount(descriptor)
        if count > 0 { reactor.leaveUnread() }
        arrivals.left(count, at: now)
    }

    /// HTTP/2's bytes.
    private func take(_ bytes: UnsafeRawBufferPointer) {
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
    }

    private func connected() {
        onConnect?()
        onConnect = nil
    }

    // MARK: TLS

    private func decrypt(_ bytes: UnsafeRawBufferPointer, _ tls: TLSEngine) {
        let wasOpen = tls.isOpen
        unsafe tls.feed(bytes)
        while case .open = phase {
            let reading = unsafe tls.read(into: reactor.plainBuffer.bytes)
            if !wasOpen, tls.isOpen, session.peer.certificateSubject == nil {
                session.peer.certificateSubject = tls.peerSubject
            }
            switch reading {
            case .bytes(let count):
                let part = unsafe reactor.plainBuffer.bytes[0..<count]
                unsafe take(UnsafeRawBufferPointer(rebasing: part))
            case .wouldBlock:
                if !wasOpen, tls.isOpen {
                    metrics?.handshakes.add()
                    connected()
                }
                return
            case .closed:
                return close(nil)
            case .failed(let reason):
                if !tls.isOpen { metrics?.handshakeFailures.add() }
                // An alert says why, as far as the socket takes it at once.
                tls.drain(into: output)
                write()
                return close(TransportError(.tls, "TLS: \(reason)"))
            }
        }
    }

    /// The session's output as ciphertext; whether there is more at once.
    private func encrypt(_ tls: TLSEngine) -> Bool {
        var hasMore = false
        if tls.isOpen, output.count < Limits.connectionOutputBytesMax {
            hasMore = session.drain(into: plain)
            tls.write(plain)
        }
        tls.drain(into: output)
        return hasMore
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
        let hasMore = tls.map { encrypt($0) } ?? session.drain(into: output)
        write()
        if case .closed = phase { return }
        let isEmpty = output.count == sentCount
        // No event will say that a socket which took everything wants the rest.
        if isEmpty, hasMore { return markDirty() }
        if isEmpty, session.isFinished {
            if case .open = phase, session.isEndedForPeer { metrics?.protocolErrors.add() }
            return closeInOrder()
        }
        if isEmpty, case .draining = phase { return closeInOrder() }
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
        let streams = session.streams
        guard streams.contains(where: { $0.unsentCount == 0 && $0.wantsWritable }) else { return }
        for stream in streams.all where stream.unsentCount == 0 && stream.wantsWritable {
            stream.wantsWritable = false
            stream.handler?.writable()
        }
    }

    // MARK: Time

    private func scheduleCheck() {
        let next = reactor.nowNanoseconds + settings.checkIntervalNanoseconds
        // Not weak: a weak reference makes every count of references to this object slower.
        timer = reactor.schedule(atNanoseconds: next) { [self] in check() }
    }

    /// Once a second: whether a phase has lasted too long.
    private func check() {
        timer = nil
        if case .closed = phase { return }
        let now = reactor.nowNanoseconds
        func passed(_ since: UInt64, _ boundMS: Int) -> Bool {
            now &- since > UInt64(boundMS) * 1_000_000 && now > since
        }
        /// What it is waited for may lie in its socket, since the loop is busy with others.
        var isHeard: Bool { SystemCalls.unreadCount(descriptor) == 0 }
        if !session.hasReceivedSettings, passed(openedNanoseconds, settings.handshakeTimeoutMS),
            isHeard
        {
            metrics?.handshakeTimeouts.add()
            return close(TransportError(.closed, "the peer sent no HTTP/2 preface in time"))
        }
        if let began = session.headersBeganNanoseconds, passed(began, settings.requestTimeoutMS),
            isHeard
        {
            metrics?.slowHeaders.add()
            return close(TransportError(.closed, "the peer did not end its headers in time"))
        }
        if let stalled = stalledSinceNanoseconds, passed(stalled, settings.stalledWriteTimeoutMS) {
            metrics?.stalledWrites.add()
            return close(TransportError(.closed, "the peer took no bytes for too long"))
        }
        if isGone(now) {
            metrics?.keepAliveTimeouts.add()
            return close(TransportError(.closed, "the peer gave no sign of life"))
        }
        for stream in session.streams.all {
            if stream.unsentCount > 0,
                passed(stream.lastProgressNanoseconds, settings.stalledWriteTimeoutMS)
            {
                metrics?.stalledWrites.add()
                stream.reset(.cancel)
            } else {
                stream.handler?.tick(
                    nowNanoseconds: now,
                    requestTimeoutMS: settings.requestTimeoutMS
                )
            }
        }
        session.askForNoMore()
        if now &- lastStreamNanoseconds > settings.checkIntervalNanoseconds { session.rest() }
        checkAge(now)
        if !session.streams.isEmpty {
            lastStreamNanoseconds = now
        } else if case .server = session.role, passed(lastStreamNanoseconds, settings.idleTimeoutMS)
        {
            metrics?.idleTimeouts.add()
            session.goAway(.noError)
            endAfterOutput()
        }
        scheduleCheck()
    }

    /// Whether a peer with calls under way was silent, was asked, and is silent still.
    ///
    /// The kernel finds machines that are gone, and not programs that hang.
    private func isGone(_ now: UInt64) -> Bool {
        guard settings.keepAliveIntervalMS > 0, case .server = session.role,
            !session.streams.isEmpty
        else {
            askedNanoseconds = nil
            return false
        }
        let since = max(heardNanoseconds, askedNanoseconds ?? 0)
        let isAsked = askedNanoseconds.map { $0 >= heardNanoseconds } ?? false
        let boundMS = isAsked ? settings.keepAliveTimeoutMS : settings.keepAliveIntervalMS
        guard now > since, now - since > UInt64(boundMS) * 1_000_000 else { return false }
        if isAsked { return true }
        askedNanoseconds = now
        session.ping()
        return false
    }

    /// An old connection is asked to go, and ended when it does not.
    private func checkAge(_ now: UInt64) {
        guard settings.connectionAgeMaxMS > 0, case .server = session.role else { return }
        // Spread over a tenth, so that connections of one moment don't all come again in one.
        let spread = settings.connectionAgeMaxMS / 10
        let age = settings.connectionAgeMaxMS + Int(truncatingIfNeeded: token % 97) * spread / 97
        let agedMS = Int(truncatingIfNeeded: (now &- openedNanoseconds) / 1_000_000)
        guard agedMS > age else { return }
        if !isAged {
            isAged = true
            metrics?.agedConnections.add()
            drain()
        } else if agedMS > age + settings.connectionAgeGraceMS {
            session.goAway(.noError)
            endAfterOutput()
        }
    }

    // MARK: Ending

    /// GOAWAY twice; the connection closes when its last stream has.
    func drain() {
        session.announceShutdown()
        let delay = UInt64(Limits.goAwayDelayMS) * 1_000_000
        if let goAwayTimer { reactor.cancel(goAwayTimer) }
        goAwayTimer = reactor.schedule(atNanoseconds: reactor.nowNanoseconds + delay) { [self] in
            goAwayTimer = nil
            guard case .open = phase else { return }
            session.goAway(.noError)
            markDirty()
        }
    }

    /// TLS says goodbye, as far as the socket takes it at once.
    private func closeInOrder() {
        if let tls {
            tls.close()
            tls.drain(into: output)
            write()
        }
        close(nil)
    }

    func close(_ error: TransportError?) {
        if case .closed = phase { return }
        phase = .closed
        if let timer { reactor.cancel(timer) }
        if let goAwayTimer { reactor.cancel(goAwayTimer) }
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
