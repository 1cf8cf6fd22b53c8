package import Primitives
import Synchronization

/// An answer of the HTTP/1.1 port.
package struct HTTP1Answer: Sendable {
    package var status: Int
    package var contentType: String
    package var body: String

    package init(status: Int, contentType: String = "text/plain; charset=utf-8", body: String) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }
}

/// The HTTP/1.1 side door for probes and scrapers: one thread, few connections, small requests.
package final class HTTP1Server: Sendable {
    /// Answers a GET or a HEAD, on the server's one thread.
    package typealias Handler = @Sendable (HTTP1Request) -> HTTP1Answer

    private let reactors: ReactorGroup
    private let listener: Listener
    private let roster = Roster()

    /// Binds the address and begins to answer.
    package init(
        listening address: SocketAddress,
        clock: any Clock = SystemClock(),
        handler: @escaping Handler
    ) throws(TransportError) {
        let listener = try Listener(address)
        let roster = roster
        self.listener = listener
        reactors = try ReactorGroup(count: 1, name: "admin", clock: clock)
        reactors.post(0) { reactor in
            listener.start(on: reactor) { [unowned reactor] descriptor, _ in
                roster.adopt(descriptor, on: reactor, handler)
            }
        }
    }

    package var boundAddress: SocketAddress { listener.boundAddress }

    /// Closes everything and ends the thread.
    package func stop() {
        reactors.post(0) { [listener, roster] _ in
            listener.stop()
            roster.closeAll()
        }
        reactors.stop()
    }
}

/// The open connections.
///
/// SAFETY of `@unchecked`: touched on the server's one thread only.
private final class Roster: @unchecked Sendable {
    private var connections: [ObjectIdentifier: HTTP1Connection] = [:]

    func adopt(_ descriptor: Int32, on reactor: Reactor, _ handler: @escaping HTTP1Server.Handler) {
        guard connections.count < Limits.adminConnectionsMax else {
            return SystemCalls.close(descriptor)
        }
        let connection = HTTP1Connection(descriptor, on: reactor, handler)
        let key = ObjectIdentifier(connection)
        connections[key] = connection
        connection.start { [unowned self] in connections[key] = nil }
    }

    func closeAll() {
        for connection in connections.values { connection.close() }
    }
}

/// One connection of the side door; confined to its reactor.
private final class HTTP1Connection: Pollable {
    private let descriptor: Int32
    private unowned let reactor: Reactor
    private let handler: HTTP1Server.Handler
    private var parser = HTTP1Parser()
    private let output = ByteWriter(capacity: 1_024)
    private var token: UInt64 = 0
    private var isEnding = false
    private var isClosed = false
    private var isWaitingForWrite = false
    private var timer: TimerToken?
    private var onClose: (() -> Void)?

    init(_ descriptor: Int32, on reactor: Reactor, _ handler: @escaping HTTP1Server.Handler) {
        self.descriptor = descriptor
        self.reactor = reactor
        self.handler = handler
    }

    func start(onClose: @escaping () -> Void) {
        self.onClose = onClose
        token = reactor.register(self, descriptor, writable: false)
        restartTimer()
    }

    /// A request, or the pause between two, lasts only so long.
    private func restartTimer() {
        if let timer { reactor.cancel(timer) }
        let end = reactor.nowNanoseconds + UInt64(Limits.adminTimeoutMS) * 1_000_000
        timer = reactor.schedule(atNanoseconds: end) { [weak self] in
            self?.timer = nil
            self?.close()
        }
    }

    func ready(isReadable: Bool, isWritable: Bool) {
        if isWritable { write() }
        guard isReadable, !isClosed else { return }
        switch unsafe SystemCalls.read(descriptor, reactor.readBuffer.bytes) {
        case .wouldBlock: return
        case .closed: close()
        case .bytes(let count):
            guard !isEnding else { return }
            let bytes = unsafe UnsafeRawBufferPointer(
                rebasing: reactor.readBuffer.bytes[0..<count]
            )
            parser.append(unsafe bytes.bytes)
            answerAll()
            write()
        }
    }

    private func answerAll() {
        while !isEnding {
            switch parser.next() {
            case .needsMore:
                return
            case .request(let request):
                restartTimer()
                isEnding = !request.keepsAlive
                answer(request)
            case .refused(let status, let reason):
                isEnding = true
                send(HTTP1Answer(status: status, body: reason + "\n"), hasBody: true)
            }
            // A peer that asks and asks and takes no answer is let go.
            if output.count > Limits.adminOutputBytesMax { isEnding = true }
        }
    }

    private func answer(_ request: HTTP1Request) {
        guard request.method == "GET" || request.method == "HEAD" else {
            isEnding = true
            return send(HTTP1Answer(status: 405, body: "GET or HEAD\n"), hasBody: true)
        }
        send(handler(request), hasBody: request.method == "GET")
    }

    private func send(_ answer: HTTP1Answer, hasBody: Bool) {
        output.append(
            utf8: "HTTP/1.1 \(answer.status) \(Self.phrase(answer.status))\r\n"
                + "content-type: \(answer.contentType)\r\n"
                + "content-length: \(answer.body.utf8.count)\r\n"
                + (isEnding ? "connection: close\r\n\r\n" : "\r\n")
        )
        if hasBody { output.append(utf8: answer.body) }
    }

    private static func phrase(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 413: "Content Too Large"
        case 431: "Request Header Fields Too Large"
        case 503: "Service Unavailable"
        default: "Status"
        }
    }

    private func write() {
        while output.count > 0 {
            switch unsafe output.withUnsafeBytes({ unsafe SystemCalls.write(descriptor, $0) }) {
            case .bytes(let count): output.removeFirst(count)
            case .closed: return close()
            case .wouldBlock: return waitForWrite(true)
            }
        }
        waitForWrite(false)
        if isEnding { close() }
    }

    private func waitForWrite(_ waits: Bool) {
        guard waits != isWaitingForWrite else { return }
        isWaitingForWrite = waits
        reactor.change(descriptor, token: token, writable: waits)
    }

    func endOfTurn() {}

    func close() {
        guard !isClosed else { return }
        isClosed = true
        if let timer { reactor.cancel(timer) }
        timer = nil
        reactor.unregister(descriptor, token: token)
        SystemCalls.close(descriptor)
        onClose?()
        onClose = nil
    }
}
