import CNghttp2
package import Primitives

/// One HTTP/2 connection without its socket: bytes in, events out, bytes out.
///
/// Wraps a libnghttp2 session. The callbacks (in `SessionCallbacks`) only queue; decisions are
/// taken here, after `nghttp2_session_mem_recv` has returned. Two sessions joined in memory are a
/// whole connection. Confined to its loop.
@safe
package final class Session {
    package enum Role {
        case server(any StreamAcceptor)
        case client
    }

    /// Why the connection must end.
    package enum Failure: Error {
        /// The peer broke the protocol; what libnghttp2 wants to say about it is waiting in
        /// `drain`.
        case peer(String)
        case flooded
    }

    let loop: any EventLoop
    let role: Role
    let handle: OpaquePointer
    /// Where libnghttp2 has its memory from.
    let blocks = SessionBlocks()
    package private(set) var streams = StreamTable()
    /// Streams that are over, for the next ones.
    var spareStreams: [HTTP2Stream] = []
    private var events: [StreamEvent] = []
    private var nextEvent = 0
    private var budget: FrameBudget
    private(set) var hasReceivedSettings = false
    /// The peer said that it will take no new streams.
    package private(set) var isPeerGoingAway = false
    /// This side said so.
    private(set) var isLeaving = false
    private var scratch = ByteWriter(capacity: 1_024)
    /// Who is at the other end; the connection knows.
    var peer = Peer()
    /// Called when bytes are ready for `drain`; at most once until it has run.
    var onOutput: (() -> Void)?
    /// Called when a peer has opened a stream; false when it was refused.
    var onStream: ((_ isTaken: Bool) -> Void)?
    let shared: ConnectionShare

    // What the callbacks gather, one header block and one buffer at a time.
    let assembling: HeaderAssembly
    var receiving: UnsafeRawPointer?
    /// Bytes that came, less those of frames that libnghttp2 told of.
    ///
    /// It drops unknown frames in silence. Negative while a frame is under way, and by what may
    /// come on streams that this side has ended.
    var untoldBytes = -24  // The preface is no frame.
    var isFlooded = false
    var peerStreams = PeerStreams()
    /// Streams whose answer ends before its client has: since the last look, and before it.
    var endingEarly: [Int32] = []
    var endedEarly: [Int32] = []
    /// Whether streams that close do so by this side's last frame.
    private var isDraining = false
    /// What the peer did that libnghttp2 lets pass; ends the connection.
    var fault: HTTP2ErrorCode?
    /// When the header block began that has not ended; `nil` between blocks.
    private(set) var headersBeganNanoseconds: UInt64?
    /// Called when a header block was refused for its size.
    var onHeadersRefused: (() -> Void)?
    /// Called when a stream was reset for what its peer did.
    var onStreamFault: (() -> Void)?

    package init(
        loop: any EventLoop,
        role: Role,
        shared: ConnectionShare = ConnectionShare()
    ) {
        self.loop = loop
        self.role = role
        self.shared = shared
        budget = FrameBudget(nowNanoseconds: loop.nowNanoseconds)
        let isServer = if case .server = role { true } else { false }
        unsafe handle = SessionCallbacks.makeSession(isServer: isServer, blocks)
        assembling = HeaderAssembly(blocks)
        // SAFETY: the session is deleted in `deinit`, so the pointer never outlives `self`.
        unsafe nghttp2_session_set_user_data(handle, Unmanaged.passUnretained(self).toOpaque())
        sendPreface(isServer: isServer)
    }

    deinit {
        unsafe nghttp2_session_del(handle)
    }

    private func sendPreface(isServer: Bool) {
        var settings = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
                value: UInt32(Limits.streamWindowBytes)
            ),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
                value: UInt32(Limits.headerListBytesMax)
            ),
        ]
        if isServer {
            settings.append(
                nghttp2_settings_entry(
                    settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
                    value: UInt32(Limits.streamsPerConnectionMax)
                )
            )
        } else {
            settings.append(
                nghttp2_settings_entry(
                    settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue),
                    value: 0
                )
            )
        }
        _ = unsafe nghttp2_submit_settings(
            handle,
            UInt8(NGHTTP2_FLAG_NONE.rawValue),
            settings,
            settings.count
        )
        _ = unsafe nghttp2_session_set_local_window_size(
            handle,
            UInt8(NGHTTP2_FLAG_NONE.rawValue),
            0,
            Limits.connectionWindowBytes
        )
    }

    package var isFinished: Bool {
        unsafe nghttp2_session_want_read(handle) == 0 && nghttp2_session_want_write(handle) == 0
    }

    /// Whether libnghttp2 ends the connection by itself, for what the peer did.
    var isEndedForPeer: Bool { isFinished && !isLeaving && !isPeerGoingAway }

    // MARK: Bytes

    /// Takes what the peer sent and tells the streams' handlers.
    package func receive(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        unsafe receiving = bytes.baseAddress
        let count = unsafe nghttp2_session_mem_recv(
            handle,
            bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
            bytes.count
        )
        unsafe receiving = nil
        chargeUntold(bytes.count)
        unsafe dispatch(bytes)
        requestOutput()
        if isFlooded || Self.floods.contains(count) { throw .flooded }
        endForFault()
        if count < 0 {
            throw .peer(unsafe String(cString: nghttp2_strerror(Int32(count))))
        }
    }

    /// What libnghttp2 says of those that it takes for attackers.
    private static let floods = [
        Int(NGHTTP2_ERR_FLOODED.rawValue), Int(NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue),
    ]

    /// Appends the bytes to send, as windows and `Limits.connectionOutputBytesMax` allow.
    ///
    /// - Returns: Whether it stopped at that bound, so that there may be more to send at once.
    package func drain(into output: ByteWriter) -> Bool {
        while output.count < Limits.connectionOutputBytesMax {
            var pointer: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(handle, &pointer)
            guard count > 0, let pointer = unsafe pointer else { break }
            let buffer = unsafe UnsafeRawBufferPointer(start: pointer, count: count)
            unsafe output.append(buffer.bytes)
        }
        // Streams that closed while their last frame was made.
        isDraining = true
        unsafe dispatch(UnsafeRawBufferPointer(start: nil, count: 0))
        isDraining = false
        endForFault()
        return output.count >= Limits.connectionOutputBytesMax
    }

    private func dispatch(_ bytes: UnsafeRawBufferPointer) {
        // Handlers may cause new events (a reset closes its stream): read by index.
        while nextEvent < events.count {
            let event = events[nextEvent]
            nextEvent += 1
            unsafe handle(event, bytes)
        }
        events.removeAll(keepingCapacity: true)
        nextEvent = 0
    }

    private func handle(_ event: StreamEvent, _ bytes: UnsafeRawBufferPointer) {
        switch event {
        case .headers(let id, let block, let endStream):
            let stream = streams[StreamKey(id: id)] ?? open(id)
            if endStream { stream?.hasPeerEnded = true }
            stream?.handler?.received(headers: block, endStream: endStream)
        case .trailers(let id, let block):
            let stream = streams[StreamKey(id: id)]
            stream?.hasPeerEnded = true
            stream?.handler?.received(trailers: block)
        case .data(let id, let range, let endStream):
            guard let stream = streams[StreamKey(id: id)] else {
                consumeClosed(range.count)
                return
            }
            stream.received(range.count)
            if endStream { stream.hasPeerEnded = true }
            let slice = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
            stream.handler?.received(bytes: unsafe slice.bytes, endStream: endStream)
        case .ended(let id):
            let stream = stream(id)
            stream?.hasPeerEnded = true
            stream?.handler?.received(bytes: RawSpan(), endStream: true)
        case .closed(let id, let code):
            var stream = streams.remove(StreamKey(id: id))
            if isDraining { ended(id, code, stream) }
            stream?.close(code)
            keep(&stream)
        }
    }

    private func stream(_ id: Int32) -> HTTP2Stream? { streams[StreamKey(id: id)] }

    private func open(_ id: Int32) -> HTTP2Stream? {
        guard case .server(let acceptor) = role else { return nil }
        guard !shared.isClogged else {
            // No work was done: the peer may repeat it once it has taken its answers.
            onStream?(false)
            submitReset(id, .refusedStream)
            return nil
        }
        let stream = makeStream()
        stream.opened(as: id)
        streams.add(stream)
        onStream?(true)
        stream.handler = acceptor.accept(stream)
        return stream
    }

    func requestOutput() {
        guard unsafe nghttp2_session_want_write(handle) != 0 else { return }
        onOutput?()
    }

    // MARK: What the callbacks report

    func queue(_ event: StreamEvent) {
        events.append(event)
    }

    /// The peer ended its side with the DATA frame that was just received.
    func queueEnd(of id: Int32) {
        if case .data(id, let range, _) = events.last {
            events[events.count - 1] = .data(id: id, range: range, endStream: true)
        } else {
            events.append(.ended(id: id))
        }
    }

    func headersBegan() {
        assembling.begin()
        headersBeganNanoseconds = loop.nowNanoseconds
    }

    /// The block has ended, or nobody waits for its end any more.
    func headersEnded() {
        headersBeganNanoseconds = nil
    }

    /// The block is larger than it may be; its stream is reset.
    func refuseHeaders() {
        headersEnded()
        guard !assembling.isRefused else { return }
        assembling.isRefused = true
        // Unpacking the rest costs us more than it costs the peer.
        charge(Limits.refusedHeadersCharge)
        onHeadersRefused?()
    }

    func settingsReceived() {
        hasReceivedSettings = true
    }

    func goAwayReceived() {
        isPeerGoingAway = true
    }

    /// A frame that libnghttp2 tells of begins.
    func told(ofFrame payloadBytes: Int) {
        untoldBytes -= Self.frameHeaderBytes + payloadBytes
    }

    /// Charges for frames of unknown types, as if each were of the smallest size.
    private func chargeUntold(_ byteCount: Int) {
        untoldBytes += byteCount
        guard untoldBytes >= Self.frameHeaderBytes else { return }
        charge(untoldBytes / Self.frameHeaderBytes)
        untoldBytes %= Self.frameHeaderBytes
    }

    private static let frameHeaderBytes = 9

    /// A DATA frame goes out, which the peer may answer by frames that carry nothing.
    func answered() {
        budget.earn(Limits.cheapFramesPerAnswer)
    }

    /// Charges a frame that carries nothing.
    func charge(_ count: Int) {
        if !budget.spend(count, nowNanoseconds: loop.nowNanoseconds) { isFlooded = true }
    }

    // MARK: What the streams ask for

    /// A stream that this side will open with its first `send(headers:)`.
    package func makeClientStream(
        _ makeHandler: (HTTP2Stream) -> any ByteStreamHandler
    ) -> HTTP2Stream {
        let stream = makeStream()
        stream.handler = makeHandler(stream)
        return stream
    }

    func submit(_ headers: HeaderBlock, on stream: HTTP2Stream, endStream: Bool) {
        let isServer = if case .server = role { true } else { false }
        let id = unsafe withFields(headers) { fields, count in
            var provider = unsafe SessionCallbacks.dataProvider
            return unsafe withUnsafePointer(to: &provider) { pointer in
                let provider = endStream ? nil : unsafe pointer
                if isServer {
                    return unsafe nghttp2_submit_response(
                        handle,
                        stream.id,
                        fields,
                        count,
                        provider
                    )
                }
                return unsafe nghttp2_submit_request(handle, nil, fields, count, provider, nil)
            }
        }
        if isServer, endStream { answerEnds(on: stream) }
        if !isServer {
            guard id > 0 else {
                stream.close(.refusedStream)
                return
            }
            stream.opened(as: id)
            streams.add(stream)
        }
        requestOutput()
    }

    /// The trailers of a stream whose last byte has just been framed.
    func submitTrailers(_ trailers: HeaderBlock, on stream: HTTP2Stream) {
        _ = unsafe withFields(trailers) { fields, count in
            unsafe nghttp2_submit_trailer(handle, stream.id, fields, count)
        }
        if case .server = role { answerEnds(on: stream) }
    }

    func resume(_ stream: HTTP2Stream) {
        guard stream.takeDeferred() else { return }
        _ = unsafe nghttp2_session_resume_data(handle, stream.id)
        requestOutput()
    }

    func reset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        guard stream.id > 0 else { return stream.close(code) }
        submitReset(stream.id, code)
    }

    func submitReset(_ id: Int32, _ code: HTTP2ErrorCode) {
        _ = unsafe nghttp2_submit_rst_stream(
            handle,
            UInt8(NGHTTP2_FLAG_NONE.rawValue),
            id,
            code.rawValue
        )
        requestOutput()
    }

    func consume(_ byteCount: Int, on id: Int32) {
        guard byteCount > 0 else { return }
        _ = unsafe nghttp2_session_consume(handle, id, byteCount)
        requestOutput()
    }

    func consumeClosed(_ byteCount: Int) {
        _ = unsafe nghttp2_session_consume_connection(handle, byteCount)
        requestOutput()
    }

    // MARK: Ending

    /// The first GOAWAY of a drain: no promise about which streams are still taken.
    package func announceShutdown() {
        isLeaving = true
        _ = unsafe nghttp2_submit_shutdown_notice(handle)
        requestOutput()
    }

    /// The second: streams above the last one taken are refused; running ones go on.
    package func goAway(_ code: HTTP2ErrorCode) {
        isLeaving = true
        let last = unsafe nghttp2_session_get_last_proc_stream_id(handle)
        _ = unsafe nghttp2_submit_goaway(
            handle,
            UInt8(NGHTTP2_FLAG_NONE.rawValue),
            last,
            code.rawValue,
            nil,
            0
        )
        requestOutput()
    }

    /// Asks the peer for a sign of life.
    func ping() {
        _ = unsafe nghttp2_submit_ping(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
        requestOutput()
    }

    /// The connection is gone: tells every stream.
    package func closeAll(_ code: HTTP2ErrorCode) {
        for stream in streams.removeAll() { stream.close(code) }
    }

    // MARK: Header fields

    /// Lays the fields out for libnghttp2, which copies them.
    private func withFields(
        _ block: HeaderBlock,
        _ body: (UnsafePointer<nghttp2_nv>?, Int) -> Int32
    ) -> Int32 {
        if let layout = block.layout { return unsafe layout.withFields(body) }
        scratch.removeAll()
        for field in block.fields {
            scratch.append(utf8: field.name)
            scratch.append(utf8: field.value)
        }
        return unsafe scratch.withUnsafeBytes { bytes in
            unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: block.fields.count)
            {
                fields in
                var position = unsafe UnsafeMutablePointer(
                    mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                )
                for (index, field) in block.fields.enumerated() {
                    let nameCount = field.name.utf8.count
                    let valueCount = field.value.utf8.count
                    unsafe fields.initializeElement(
                        at: index,
                        to: nghttp2_nv(
                            name: position,
                            value: position.map { unsafe $0 + nameCount },
                            namelen: nameCount,
                            valuelen: valueCount,
                            flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)
                        )
                    )
                    unsafe position = position.map { unsafe $0 + nameCount + valueCount }
                }
                return unsafe body(UnsafePointer(fields.baseAddress), block.fields.count)
            }
        }
    }
}
