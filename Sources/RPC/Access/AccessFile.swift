import Transport

/// Who may do what, as a file of lines.
///
/// ```
/// token NAME ROLE GROUPS SHA-256 of the token in hexadecimal digits
/// subject ROLE GROUPS the subject of a client's certificate, to the end of the line
/// ```
/// GROUPS is `*`, or names of dataset groups joined by commas. A `#` begins a line for people. No
/// token stands in the file, so who can read it can't call the server.
package struct AccessFile: Sendable {
    package struct Token: Hashable, Sendable {
        package var name: String
        package var grant: Grant
        package var digest: [UInt8]
    }

    package private(set) var tokens: [Token] = []
    package private(set) var subjects: [Grant] = []

    package init() {}

    package struct Malformed: Error, Hashable, Sendable {
        package var line: Int
        package var reason: String

        package init(line: Int, reason: String) {
            self.line = line
            self.reason = reason
        }
    }

    package init(parsing text: String) throws(Malformed) {
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let words = line.split(separator: " ")
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            do throws(Reason) {
                switch first {
                case "token": try add(token: words)
                case "subject": try add(subject: line, words)
                default: throw Reason("'\(first.prefix(32))' begins no line; token and subject do")
                }
            } catch {
                throw Malformed(line: index + 1, reason: error.text)
            }
        }
    }

    private struct Reason: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    private mutating func add(token words: [Substring]) throws(Reason) {
        guard words.count == 5 else {
            throw Reason("a token has 5 words: token NAME ROLE GROUPS DIGEST, not \(words.count)")
        }
        guard let digest = Self.bytes(hex: words[4]), digest.count == Digest.byteCount else {
            throw Reason("the digest of a token is \(2 * Digest.byteCount) hexadecimal digits")
        }
        try add(
            token: String(words[1]),
            role: try Self.role(words[2]),
            groups: try Self.groups(words[3]),
            digest: digest
        )
    }

    private mutating func add(
        token name: String,
        role: Role,
        groups: Set<String>?,
        digest: [UInt8]
    ) throws(Reason) {
        guard !tokens.contains(where: { $0.name == name }) else {
            throw Reason("there are two tokens named '\(name)'")
        }
        let grant = Grant(principal: .token(name: name), role: role, groups: groups)
        tokens.append(Token(name: name, grant: grant, digest: digest))
    }

    private mutating func add(subject line: Substring, _ words: [Substring]) throws(Reason) {
        guard words.count >= 4 else {
            throw Reason("a subject has 4 parts: subject ROLE GROUPS SUBJECT")
        }
        // The subject may have blanks of its own.
        let subject = String(line[words[3].startIndex...])
        let grant = Grant(
            principal: .certificate(subject: subject),
            role: try Self.role(words[1]),
            groups: try Self.groups(words[2])
        )
        guard !subjects.contains(where: { $0.principal == grant.principal }) else {
            throw Reason("the subject '\(subject)' stands twice")
        }
        subjects.append(grant)
    }

    private static func role(_ word: Substring) throws(Reason) -> Role {
        guard let role = Role(rawValue: String(word)) else {
            throw Reason("'\(word.prefix(32))' is no role; read, write and admin are")
        }
        return role
    }

    private static func groups(_ word: Substring) throws(Reason) -> Set<String>? {
        if word == "*" { return nil }
        let names = word.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard names.allSatisfy({ !$0.isEmpty && !$0.contains("/") && $0 != "*" }) else {
            throw Reason("groups are '*', or names of dataset groups joined by commas")
        }
        return Set(names)
    }

    private static func bytes(hex text: Substring) -> [UInt8]? {
        let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == text.utf8.count, digits.count % 2 == 0 else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }
}

/// Changing the file.
extension AccessFile {
    /// What every token begins with, so that people and scanners know one when they see it.
    package static let tokenPrefix = "bbt_"

    /// Adds a new token of 256 random bits and returns it; `nil` when the name is taken or bad.
    package mutating func create(name: String, role: Role, groups: Set<String>?) -> String? {
        guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        var random = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        for _ in 0..<4 {
            let word = random.next()
            for shift in stride(from: 0 as UInt64, to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        // Base64's two awkward characters are replaced, as for URLs.
        let text = Base64.encode(bytes).map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }
        let token = Self.tokenPrefix + String(text)
        do throws(Reason) {
            try add(token: name, role: role, groups: groups, digest: Digest.sha256(token))
        } catch {
            return nil
        }
        return token
    }

    /// Takes a token away; whether there was one.
    package mutating func revoke(name: String) -> Bool {
        let before = tokens.count
        tokens.removeAll { $0.name == name }
        return tokens.count < before
    }

    /// Lets a certificate's subject do something; replaces what it was allowed before.
    package mutating func allow(subject: String, role: Role, groups: Set<String>?) {
        let principal = Principal.certificate(subject: subject)
        subjects.removeAll { $0.principal == principal }
        subjects.append(Grant(principal: principal, role: role, groups: groups))
    }

    /// The file's text.
    package var text: String {
        var text = "# Who may do what on a Bowerbird server; 'bowerbird token' writes it.\n"
        for token in tokens {
            let hex = token.digest.map { byte in
                let digits = String(byte, radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }
            text +=
                "token \(token.name) \(token.grant.role.rawValue) "
                + "\(Self.groupsText(token.grant)) \(hex.joined())\n"
        }
        for grant in subjects {
            text +=
                "subject \(grant.role.rawValue) \(Self.groupsText(grant)) "
                + "\(grant.principal.name)\n"
        }
        return text
    }

    package static func groupsText(_ grant: Grant) -> String {
        grant.groups.map { $0.sorted().joined(separator: ",") } ?? "*"
    }
}
