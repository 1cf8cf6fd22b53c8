import CNghttp2
import Primitives

/// Every `@convention(c)` callback of libnghttp2, in one place.
///
/// A callback finds its session, queues an event and returns; it takes no decision.
enum SessionCallbacks {
    /// A session with our callbacks and options.
    static func makeSession(isServer: Bool, _ blocks: SessionBlocks) -> OpaquePointer {
        var option: OpaquePointer?
        _ = unsafe nghttp2_option_new(&option)
        unsafe nghttp2_option_set_no_auto_window_update(option, 1)
        unsafe nghttp2_option_set_no_closed_streams(option, 1)
        unsafe nghttp2_option_set_max_outbound_ack(option, Limits.outboundControlFramesMax)
        unsafe nghttp2_option_set_max_settings(option, 32)
        unsafe nghttp2_option_set_peer_max_concurrent_streams(option, 100)
        var callbacks: OpaquePointer?
        _ = unsafe nghttp2_session_callbacks_new(&callbacks)
        unsafe install(callbacks)
        var session: OpaquePointer?
        var memory = unsafe blocks.functions
        let result =
            isServer
            ? unsafe nghttp2_session_server_new3(&session, callbacks, nil, option, &memory)
            : unsafe nghttp2_session_client_new3(&session, callbacks, nil, option, &memory)
        unsafe nghttp2_session_callbacks_del(callbacks)
        unsafe nghttp2_option_del(option)
        guard result == 0, let session = unsafe session else {
            preconditionFailure("out of memory for an HTTP/2 session")
        }
        return unsafe session
    }

    private static func install(_ callbacks: OpaquePointer?) {
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, onBeginHeaders)
        unsafe nghttp2_session_callbacks_set_on_header_callback2(callbacks, onHeader)
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrame)
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onData)
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onClose)
        unsafe nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, onBeginFrame)
        unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, onInvalid)
    }

    // SAFETY of everything below: `user` is the session's own pointer, set by `Session.init`; the
    // session deletes libnghttp2's in `deinit`, so it is alive in every callback. Other pointers
    // are libnghttp2's and are read during the callback only.

    /// Runs `body` with the session, without counting a reference for it.
    @inline(__always)
    private static func with(
        _ user: UnsafeMutableRawPointer?,
        _ body: (Session) -> Int32
    ) -> Int32 {
        guard let user = unsafe user else { return 0 }
        return unsafe Unmanaged<Session>.fromOpaque(user)._withUnsafeGuaranteedRef(body)
    }

    private static let onBeginHeaders: nghttp2_on_begin_headers_callback = { _, _, user in
        unsafe with(user) { session in
            session.headersBegan()
            return 0
        }
    }

    private static let onHeader: nghttp2_on_header_callback2 = { _, _, name, value, _, user in
        unsafe with(user) { session in
            guard let name = unsafe name, let value = unsafe value else { return 0 }
            guard unsafe session.assembling.add(name, value) else {
                session.refuseHeaders()
                return Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
            }
            return 0
        }
    }

    /// Frames that cost the peer nothing are charged when they begin, whatever becomes of them.
    private static let onBeginFrame: nghttp2_on_begin_frame_callback = { _, header, user in
        unsafe with(user) { session in
            guard let header = unsafe header?.pointee else { return 0 }
            session.told(ofFrame: header.length)
            switch UInt32(header.type) {
            case NGHTTP2_HEADERS.rawValue:
                session.headersBegan(on: header.stream_id)
            case NGHTTP2_DATA.rawValue:
                if header.length == 0 { session.charge(1) }
            case NGHTTP2_CONTINUATION.rawValue:
                session.charge(1)
                // The one frame whose size libnghttp2 leaves unchecked.
                if header.length > Limits.frameBytesMax { session.fault = .frameSizeError }
            default:
                session.charge(1)
            }
            return 0
        }
    }

    private static let onFrame: nghttp2_on_frame_recv_callback = { _, frame, user in
        unsafe with(user) { session in
            guard let frame = unsafe frame else { return 0 }
            unsafe received(frame, session)
            return 0
        }
    }

    private static func received(_ frame: UnsafePointer<nghttp2_frame>, _ session: Session) {
        let header = unsafe frame.pointee.hd
        let id = header.stream_id
        let endStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
        switch UInt32(header.type) {
        case NGHTTP2_HEADERS.rawValue:
            session.headersEnded()
            let block = session.assembling.end()
            let category = unsafe frame.pointee.headers.cat
            if category == NGHTTP2_HCAT_HEADERS && endStream {
                session.queue(.trailers(id: id, block))
            } else if category == NGHTTP2_HCAT_RESPONSE && isInformational(block) {
                break
            } else {
                session.queue(.headers(id: id, block, endStream: endStream))
            }
        case NGHTTP2_DATA.rawValue:
            if endStream { session.queueEnd(of: id) }
        case NGHTTP2_SETTINGS.rawValue:
            session.settingsReceived()
        case NGHTTP2_GOAWAY.rawValue:
            session.goAwayReceived()
        default:
            break
        }
    }

    private static func isInformational(_ block: HeaderBlock) -> Bool {
        block.first(":status")?.first == "1"
    }

    private static let onData: nghttp2_on_data_chunk_recv_callback = {
        _,
        _,
        id,
        data,
        count,
        user in
        unsafe with(user) { session in
            guard let data = unsafe data, let start = unsafe session.receiving else { return 0 }
            // libnghttp2 hands out a part of the buffer that it was given.
            let offset = unsafe UnsafeRawPointer(data) - start
            session.queue(.data(id: id, range: offset..<offset + count, endStream: false))
            return 0
        }
    }

    private static let onClose: nghttp2_on_stream_close_callback = { _, id, code, user in
        unsafe with(user) { session in
            session.headersEnded()
            session.queue(.closed(id: id, HTTP2ErrorCode(rawValue: code)))
            return 0
        }
    }

    /// A frame that ends its stream, if not the connection.
    private static let onInvalid: nghttp2_on_invalid_frame_recv_callback = { _, frame, _, user in
        unsafe with(user) { session in
            guard let frame = unsafe frame else { return 0 }
            session.excuse(unsafe frame.pointee.hd.stream_id)
            return 0
        }
    }

    /// Supplies DATA from the stream that the session knows by its id.
    static var dataProvider: nghttp2_data_provider {
        var provider = unsafe nghttp2_data_provider()
        unsafe provider.read_callback = { _, id, buffer, capacity, flags, _, user in
            guard let user = unsafe user else { return 0 }
            let session = unsafe Unmanaged<Session>.fromOpaque(user).takeUnretainedValue()
            guard let stream = session.streams[StreamKey(id: id)],
                let buffer = unsafe buffer, let flags = unsafe flags
            else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
            let target = unsafe UnsafeMutableRawBufferPointer(start: buffer, count: capacity)
            switch unsafe stream.supply(target) {
            case .later:
                return Int(NGHTTP2_ERR_DEFERRED.rawValue)
            case .bytes(let count, let isLast):
                if count > 0 { session.answered() }
                if isLast {
                    unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
                    if let trailers = stream.takeTrailers() {
                        unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
                        session.submitTrailers(trailers, on: stream)
                    }
                }
                return count
            }
        }
        return unsafe provider
    }
}
