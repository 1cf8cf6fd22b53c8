import COpenSSL
import Primitives

/// One connection's TLS without its socket: ciphertext in, plaintext out, and back.
///
/// OpenSSL reads and writes memory only. After every step `drain` must be asked for what is to be
/// sent, also when a step failed: an alert says why. Confined to its reactor.
@safe
final class TLSEngine {
    enum Reading: Equatable {
        /// This many bytes of plaintext are in the buffer.
        case bytes(Int)
        case wouldBlock
        /// The peer said in order that nothing more comes.
        case closed
        case failed(String)
    }

    /// The handshake is done and the peer speaks HTTP/2.
    private(set) var isOpen = false
    /// The subject of the peer's verified certificate.
    private(set) var peerSubject: String?

    private let handle: OpaquePointer
    // Owned by `handle`.
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer
    private var hasFailed = false

    /// A server's engine, or with `serverName` a client's that checks the certificate for it.
    init(_ context: TLSContext, serverName: String? = nil) throws(TransportError) {
        guard let handle = unsafe SSL_new(context.handle),
            let incoming = unsafe BIO_new(BIO_s_mem()),
            let outgoing = unsafe BIO_new(BIO_s_mem())
        else { throw TransportError(.tls, "out of memory for TLS") }
        unsafe SSL_set_bio(handle, incoming, outgoing)
        unsafe self.handle = unsafe handle
        unsafe self.incoming = unsafe incoming
        unsafe self.outgoing = unsafe outgoing
        guard let serverName else {
            unsafe SSL_set_accept_state(handle)
            return
        }
        unsafe SSL_set_connect_state(handle)
        let parameters = unsafe SSL_get0_param(handle)
        if unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, serverName) != 1 {
            ERR_clear_error()
            _ = unsafe SSL_set1_host(handle, serverName)
            _ = unsafe bowerbird_tls_set_server_name(handle, serverName)
        }
    }

    deinit {
        unsafe SSL_free(handle)
    }

    /// Takes ciphertext; `read` makes something of it.
    func feed(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        // A memory BIO takes everything.
        _ = unsafe BIO_write(incoming, bytes.baseAddress, Int32(bytes.count))
    }

    /// The next plaintext; goes on with the handshake as long as that is not done.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Reading {
        guard !hasFailed else { return .closed }
        if !isOpen, let reading = shakeHands() { return reading }
        let count = unsafe SSL_read(handle, buffer.baseAddress, Int32(buffer.count))
        return count > 0 ? .bytes(Int(count)) : outcome(count)
    }

    /// `nil` once hands are shaken.
    private func shakeHands() -> Reading? {
        let result = unsafe SSL_do_handshake(handle)
        guard result == 1 else { return outcome(result) }
        var name: UnsafePointer<UInt8>?
        var nameCount: UInt32 = 0
        unsafe SSL_get0_alpn_selected(handle, &name, &nameCount)
        guard nameCount == 2 else {
            hasFailed = true
            return .failed("the peer did not agree on h2 by ALPN")
        }
        if let certificate = unsafe SSL_get1_peer_certificate(handle) {
            peerSubject = unsafe CertificateText.subject(certificate)
            unsafe X509_free(certificate)
        }
        isOpen = true
        return nil
    }

    private func outcome(_ result: Int32) -> Reading {
        switch unsafe SSL_get_error(handle, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wouldBlock
        case SSL_ERROR_ZERO_RETURN: return .closed
        default:
            hasFailed = true
            var reason = OpenSSLError.takeAll()
            let verified = unsafe SSL_get_verify_result(handle)
            if verified != X509_V_OK {
                let text = unsafe X509_verify_cert_error_string(verified)
                unsafe reason += " (\(text.map { unsafe String(cString: $0) } ?? ""))"
            }
            return .failed(reason)
        }
    }

    /// Encrypts all of `plain` and forgets it; only once the engine is open.
    func write(_ plain: ByteWriter) {
        precondition(isOpen, "nothing is sent before hands are shaken")
        var sent = 0
        while sent < plain.count, !hasFailed {
            let count = unsafe plain.withUnsafeBytes { bytes in
                // One record at most a call.
                unsafe SSL_write(
                    handle,
                    bytes.baseAddress.map { unsafe $0 + sent },
                    Int32(min(bytes.count - sent, 1 << 20))
                )
            }
            guard count > 0 else {
                // A memory BIO is never full, so this is the end of the connection.
                hasFailed = true
                ERR_clear_error()
                break
            }
            sent += Int(count)
        }
        plain.removeAll()
    }

    /// Says in order that nothing more comes.
    func close() {
        guard isOpen, !hasFailed else { return }
        _ = unsafe SSL_shutdown(handle)
        ERR_clear_error()
    }

    /// Appends the ciphertext that is to be sent.
    func drain(into output: ByteWriter) {
        while true {
            let pending = unsafe Int(BIO_ctrl_pending(outgoing))
            guard pending > 0 else { return }
            let start = output.appendZeros(pending)
            let count = unsafe output.withUnsafeMutableTail(from: start) { target in
                unsafe BIO_read(outgoing, target.baseAddress, Int32(target.count))
            }
            output.truncate(to: start + Int(max(count, 0)))
            if count <= 0 { return }
        }
    }
}
