import COpenSSL
import Glibc

/// A certificate authority with a server's and a client's certificate, for a developer's machine.
///
/// The authority's key is thrown away, so nobody can sign more with it; making all of it again is
/// the way to a further certificate.
package enum DevelopmentCertificates {
    /// How long they last: short enough that nobody builds on them.
    package static let days = 90

    /// Writes `ca.pem`, `server.pem`, `server-key.pem`, `client.pem` and `client-key.pem`.
    ///
    /// - Parameters:
    ///   - directory: Where to; it must exist.
    ///   - names: DNS names and addresses of the server.
    ///   - client: The common name of the client.
    /// - Returns: The paths that were written.
    /// - Throws: `TransportError` when OpenSSL or the disk refuses, or a file is there already.
    package static func write(
        to directory: String,
        names: [String],
        client: String
    ) throws(TransportError) -> [String] {
        let authority = try Signed(
            commonName: "Bowerbird development CA",
            extensions: [
                (NID_basic_constraints, "critical,CA:TRUE"),
                (NID_key_usage, "critical,keyCertSign,cRLSign"),
            ],
            issuer: nil
        )
        let alternatives = names.map { Self.isAddress($0) ? "IP:\($0)" : "DNS:\($0)" }
        let server = try Signed(
            commonName: names.first ?? "localhost",
            extensions: [
                (NID_ext_key_usage, "serverAuth"),
                (NID_subject_alt_name, alternatives.joined(separator: ",")),
            ],
            issuer: authority
        )
        let visitor = try Signed(
            commonName: client,
            extensions: [(NID_ext_key_usage, "clientAuth")],
            issuer: authority
        )
        let files: [(name: String, mode: mode_t, text: [UInt8])] = [
            ("ca.pem", 0o644, authority.certificateText),
            ("server.pem", 0o644, server.certificateText),
            ("server-key.pem", 0o600, server.keyText),
            ("client.pem", 0o644, visitor.certificateText),
            ("client-key.pem", 0o600, visitor.keyText),
        ]
        var written: [String] = []
        for file in files {
            let path = directory + "/" + file.name
            try SystemCalls.writeNew(path, mode: file.mode, file.text)
            written.append(path)
        }
        return written
    }

    private static func isAddress(_ name: String) -> Bool {
        guard let found = unsafe a2i_IPADDRESS(name) else {
            ERR_clear_error()
            return false
        }
        unsafe ASN1_OCTET_STRING_free(found)
        return true
    }
}

/// A key with a certificate for it, signed by itself or by `issuer`.
@safe
private final class Signed {
    private let certificate: OpaquePointer
    private let key: OpaquePointer

    init(
        commonName: String,
        extensions: [(id: Int32, value: String)],
        issuer: Signed?
    ) throws(TransportError) {
        guard let key = unsafe bowerbird_make_p256_key(), let certificate = unsafe X509_new() else {
            throw TransportError(.tls, "no key can be made: \(OpenSSLError.takeAll())")
        }
        unsafe self.key = unsafe key
        unsafe self.certificate = unsafe certificate
        unsafe X509_set_version(certificate, 2)
        unsafe ASN1_INTEGER_set_uint64(
            X509_get_serialNumber(certificate),
            UInt64.random(in: 1 ... .max >> 1)
        )
        // An hour back, for clocks that differ.
        unsafe X509_gmtime_adj(X509_getm_notBefore(certificate), -3_600)
        unsafe X509_gmtime_adj(
            X509_getm_notAfter(certificate),
            DevelopmentCertificates.days * 86_400
        )
        unsafe X509_set_pubkey(certificate, key)
        let name = unsafe X509_get_subject_name(certificate)
        let isNamed = unsafe X509_NAME_add_entry_by_txt(
            name,
            "CN",
            MBSTRING_UTF8,
            commonName,
            -1,
            -1,
            0
        )
        guard isNamed == 1 else {
            throw TransportError(.tls, "'\(commonName)' can't be a name: \(OpenSSLError.takeAll())")
        }
        let signer = unsafe issuer?.certificate ?? certificate
        unsafe X509_set_issuer_name(certificate, X509_get_subject_name(signer))
        var context = unsafe X509V3_CTX()
        unsafe bowerbird_x509v3_prepare(&context, signer, certificate)
        for one in extensions {
            guard let made = unsafe X509V3_EXT_conf_nid(nil, &context, one.id, one.value) else {
                throw TransportError(.tls, "'\(one.value)': \(OpenSSLError.takeAll())")
            }
            unsafe X509_add_ext(certificate, made, -1)
            unsafe X509_EXTENSION_free(made)
        }
        guard unsafe X509_sign(certificate, issuer?.key ?? key, EVP_sha256()) > 0 else {
            throw TransportError(.tls, "no signature can be made: \(OpenSSLError.takeAll())")
        }
    }

    deinit {
        unsafe X509_free(certificate)
        unsafe EVP_PKEY_free(key)
    }

    var certificateText: [UInt8] {
        unsafe Self.text { unsafe PEM_write_bio_X509($0, certificate) }
    }

    var keyText: [UInt8] {
        unsafe Self.text { unsafe PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
    }

    private static func text(_ write: (OpaquePointer) -> Int32) -> [UInt8] {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { return [] }
        defer { unsafe BIO_free(bio) }
        _ = unsafe write(bio)
        var buffer = [UInt8](repeating: 0, count: Int(unsafe BIO_ctrl_pending(bio)))
        _ = unsafe BIO_read(bio, &buffer, Int32(buffer.count))
        return buffer
    }
}
