import COpenSSL
import Glibc

/// Where one side's certificates are, in PEM files.
package struct TLSFiles: Hashable, Sendable {
    /// The chain, the own certificate first.
    package var certificate: String
    package var key: String
    /// Who may have signed the peers' certificates; `nil` when they need none.
    package var clientCA: String?

    package init(certificate: String, key: String, clientCA: String? = nil) {
        self.certificate = certificate
        self.key = key
        self.clientCA = clientCA
    }

    var all: [String] { [certificate, key] + (clientCA.map { [$0] } ?? []) }
}

/// What a client needs to trust a server.
package struct TLSTrust: Hashable, Sendable {
    /// Who may have signed the server's certificate, in a PEM file; `nil` for the system's list.
    package var ca: String?
    /// The name, or the address, that the certificate must be for.
    package var serverName: String
    /// What the client shows, when the server asks.
    package var identity: TLSFiles?

    package init(ca: String? = nil, serverName: String, identity: TLSFiles? = nil) {
        self.ca = ca
        self.serverName = serverName
        self.identity = identity
    }
}

/// OpenSSL's settings for many connections: TLS 1.2 or 1.3, ALPN `h2`, certificates.
///
/// Immutable once made; connections that began with one keep it when another takes its place.
///
/// SAFETY of `@unchecked`: nobody changes the context after `init`, and OpenSSL counts references
/// to it atomically.
@safe
package final class TLSContext: @unchecked Sendable {
    let handle: OpaquePointer
    /// The subject of the own certificate; empty for a client without one.
    package let subject: String
    /// When the own certificate ends, in seconds since 1970.
    package let expires: Int64

    /// TLS 1.2 with forward secrecy and authenticated encryption only.
    private static let ciphers =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
        + "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
        + "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

    /// A server's; with a client CA it refuses peers without a certificate of it.
    package init(server files: TLSFiles) throws(TransportError) {
        unsafe handle = try Self.make(TLS_server_method())
        do throws(TransportError) {
            try unsafe Self.load(files, into: handle)
            if let ca = files.clientCA { try unsafe Self.requireClients(of: ca, handle) }
        } catch {
            unsafe SSL_CTX_free(handle)
            throw error
        }
        (subject, expires) = unsafe Self.describe(handle)
        unsafe SSL_CTX_set_alpn_select_cb(handle, Self.selectProtocol, nil)
    }

    package init(client trust: TLSTrust) throws(TransportError) {
        unsafe handle = try Self.make(TLS_client_method())
        do throws(TransportError) {
            if let identity = trust.identity { try unsafe Self.load(identity, into: handle) }
            try unsafe Self.trust(trust.ca, handle)
        } catch {
            unsafe SSL_CTX_free(handle)
            throw error
        }
        (subject, expires) = unsafe Self.describe(handle)
        unsafe SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nil)
        let protocols: [UInt8] = [2] + Array("h2".utf8)
        _ = unsafe SSL_CTX_set_alpn_protos(handle, protocols, UInt32(protocols.count))
    }

    deinit {
        unsafe SSL_CTX_free(handle)
    }

    private static func make(_ method: OpaquePointer?) throws(TransportError) -> OpaquePointer {
        guard let made = unsafe SSL_CTX_new(method) else {
            throw TransportError(.tls, "no TLS context: \(OpenSSLError.takeAll())")
        }
        unsafe bowerbird_tls_prepare(made)
        _ = unsafe SSL_CTX_set_cipher_list(made, ciphers)
        return unsafe made
    }

    private static func load(
        _ files: TLSFiles,
        into handle: OpaquePointer
    ) throws(TransportError) {
        guard unsafe SSL_CTX_use_certificate_chain_file(handle, files.certificate) == 1 else {
            throw unreadable("certificate", files.certificate)
        }
        guard unsafe SSL_CTX_use_PrivateKey_file(handle, files.key, SSL_FILETYPE_PEM) == 1 else {
            throw unreadable("key", files.key)
        }
        guard unsafe SSL_CTX_check_private_key(handle) == 1 else {
            throw TransportError(
                .tls,
                "the key '\(files.key)' does not belong to the certificate "
                    + "'\(files.certificate)': \(OpenSSLError.takeAll())"
            )
        }
    }

    private static func requireClients(
        of ca: String,
        _ handle: OpaquePointer
    ) throws(TransportError) {
        guard unsafe SSL_CTX_load_verify_file(handle, ca) == 1 else {
            throw unreadable("client CA", ca)
        }
        // Tells the client whose certificates to offer.
        unsafe SSL_CTX_set_client_CA_list(handle, SSL_load_client_CA_file(ca))
        let mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
        unsafe SSL_CTX_set_verify(handle, mode, nil)
        // OpenSSL resumes no session of a verified client without one.
        let context = Array("bowerbird".utf8)
        _ = unsafe SSL_CTX_set_session_id_context(handle, context, UInt32(context.count))
    }

    private static func trust(_ ca: String?, _ handle: OpaquePointer) throws(TransportError) {
        if let ca {
            guard unsafe SSL_CTX_load_verify_file(handle, ca) == 1 else {
                throw unreadable("CA", ca)
            }
        } else {
            _ = unsafe SSL_CTX_set_default_verify_paths(handle)
        }
    }

    private static func unreadable(_ what: String, _ path: String) -> TransportError {
        TransportError(.tls, "the \(what) '\(path)' can't be used: \(OpenSSLError.takeAll())")
    }

    private static func describe(_ handle: OpaquePointer) -> (subject: String, expires: Int64) {
        guard let certificate = unsafe SSL_CTX_get0_certificate(handle) else { return ("", 0) }
        return (
            unsafe CertificateText.subject(certificate), unsafe CertificateText.end(certificate)
        )
    }

    /// Picks `h2`; a client that offers other protocols only is refused with an alert.
    private static let selectProtocol: SSL_CTX_alpn_select_cb_func = {
        _,
        selected,
        selectedCount,
        offered,
        offeredCount,
        _ in
        var position = 0
        while position < Int(offeredCount) {
            let length = Int(unsafe offered?[position] ?? 0)
            if length == 2, position + 2 < Int(offeredCount),
                unsafe offered?[position + 1] == UInt8(ascii: "h"),
                unsafe offered?[position + 2] == UInt8(ascii: "2")
            {
                unsafe selected?.pointee = offered.map { unsafe $0 + position + 1 }
                unsafe selectedCount?.pointee = 2
                return SSL_TLSEXT_ERR_OK
            }
            position += 1 + length
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }
}

/// What a certificate says, for people and for rules.
enum CertificateText {
    /// The subject as RFC 2253 writes it, such as `CN=shop,O=Example`.
    static func subject(_ certificate: OpaquePointer) -> String {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { return "" }
        defer { unsafe BIO_free(bio) }
        unsafe bowerbird_print_subject(bio, certificate)
        var buffer = [UInt8](repeating: 0, count: Int(unsafe BIO_ctrl_pending(bio)))
        let count = unsafe BIO_read(bio, &buffer, Int32(buffer.count))
        return String(decoding: buffer.prefix(Int(max(count, 0))), as: UTF8.self)
    }

    /// The end of its validity, in seconds since 1970.
    static func end(_ certificate: OpaquePointer) -> Int64 {
        var time = unsafe tm()
        guard unsafe ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) == 1 else { return 0 }
        return unsafe Int64(timegm(&time))
    }
}
