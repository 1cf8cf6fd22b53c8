import CNghttp2
import Primitives

/// How streams end other than by both sides' own will.
extension Session {
    /// A HEADERS frame begins.
    func headersBegan(on id: Int32) {
        if peerStreams.opens(id) || isLeaving { return }
        guard case .server = role else { return }
        if unsafe nghttp2_session_find_stream(handle, id) != nil { return }
        fault = peerStreams.fault(on: id)
    }

    /// The stream ended in a way that the peer may not know of.
    func excuse(_ id: Int32) {
        peerStreams.excuse(id)
    }

    /// This side's last frame of a stream has been made.
    func ended(_ id: Int32, _ code: HTTP2ErrorCode, _ stream: HTTP2Stream?) {
        // An error of windows concerns the connection when SETTINGS caused it (RFC 9113, 6.9.2),
        // and may do so whenever it happens.
        if code == .flowControlError { fault = code }
        if code.isFaultOfPeer {
            // As many resets as it likes would be as many streams beyond the bound.
            charge(Limits.streamFaultCharge)
            onStreamFault?()
        }
        guard stream?.hasPeerEnded != true else { return }
        excuse(id)
        // What the client has under way of it comes all the same, and libnghttp2 tells of none.
        untoldBytes = max(untoldBytes - Limits.strayBytesPerStream, -Limits.strayBytesMax)
    }

    func endForFault() {
        guard let code = fault else { return }
        fault = nil
        _ = unsafe nghttp2_session_terminate_session(handle, code.rawValue)
        requestOutput()
    }

    /// The answer ends with what was just queued.
    func answerEnds(on stream: HTTP2Stream) {
        if !stream.hasPeerEnded { endingEarly.append(stream.id) }
    }

    /// Now and then: who still sends a while after its answer is asked to stop (RFC 9113, 8.1).
    ///
    /// Else a stream whose client never ends it would stay, and with it the connection.
    func askForNoMore() {
        guard !endingEarly.isEmpty || !endedEarly.isEmpty else { return }
        endedEarly.removeAll { id in
            let isSent = unsafe nghttp2_session_get_stream_local_close(handle, id)
            if isSent == 1, unsafe nghttp2_session_get_stream_remote_close(handle, id) == 0 {
                submitReset(id, .noError)
            }
            return isSent != 0
        }
        endedEarly += endingEarly
        endingEarly.removeAll()
    }
}
