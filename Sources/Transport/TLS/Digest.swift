import COpenSSL

/// SHA-256, by OpenSSL.
package enum Digest {
    package static let byteCount = 32

    package static func sha256(_ text: String) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: byteCount)
        let bytes = Array(text.utf8)
        var count: UInt32 = 0
        let result = unsafe EVP_Digest(bytes, bytes.count, &digest, &count, EVP_sha256(), nil)
        precondition(result == 1 && count == byteCount, "OpenSSL has SHA-256")
        return digest
    }

    /// Whether two digests are equal, in a time that tells nothing of where they differ.
    package static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}
