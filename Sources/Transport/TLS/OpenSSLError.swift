import COpenSSL

/// What OpenSSL has to say, taken off the calling thread's queue.
enum OpenSSLError {
    /// The newest reasons, joined; the queue is empty afterwards.
    static func takeAll() -> String {
        var reasons: [String] = []
        while true {
            let code = ERR_get_error()
            if code == 0 { break }
            if let reason = unsafe ERR_reason_error_string(code) {
                reasons.append(unsafe String(cString: reason))
            } else {
                reasons.append("error \(code)")
            }
        }
        return reasons.isEmpty ? "no reason was given" : reasons.joined(separator: "; ")
    }
}
