import RPC
import Testing

@Suite
struct `A file of tokens` {
    @Test
    func `says again what it was told, and never a token`() throws {
        var file = AccessFile()
        let token = file.create(name: "ci", role: .write, groups: ["shop", "blog"]) ?? ""
        let other = file.create(name: "ops", role: .admin, groups: nil) ?? ""
        file.allow(subject: "CN=a b,O=Ex", role: .read, groups: nil)
        file.allow(subject: "CN=a b,O=Ex", role: .write, groups: ["shop"])
        #expect(token != other && token.hasPrefix("bbt_") && token.utf8.count == 47)
        let text = file.text
        #expect(!text.contains(token) && !text.contains(other))
        let again = try AccessFile(parsing: text)
        #expect(again.tokens == file.tokens && again.subjects == file.subjects)
        #expect(again.subjects.count == 1)
        #expect(again.tokens[0].grant.groups == ["shop", "blog"])
        let taken = file.create(name: "ci", role: .read, groups: nil)
        let bad = file.create(name: "a b", role: .read, groups: nil)
        #expect(taken == nil && bad == nil)
        let revoked = file.revoke(name: "ci")
        let revokedAgain = file.revoke(name: "ci")
        #expect(revoked && !revokedAgain)
    }

    @Test(
        arguments: [
            ("key a", 1, "'key' begins no line; token and subject do"),
            (
                "\n# x\ntoken a read *", 3,
                "a token has 5 words: token NAME ROLE GROUPS DIGEST, not 4"
            ),
            ("token a read * abc", 1, "the digest of a token is 64 hexadecimal digits"),
            ("subject god * CN=a", 1, "'god' is no role; read, write and admin are"),
            (
                "subject read a,,b CN=a", 1,
                "groups are '*', or names of dataset groups joined by commas"
            ),
            ("subject read *", 1, "a subject has 4 parts: subject ROLE GROUPS SUBJECT"),
        ] as [(String, Int, String)]
    )
    func `is refused with the line and the reason`(text: String, line: Int, reason: String) {
        #expect(throws: AccessFile.Malformed(line: line, reason: reason)) {
            try AccessFile(parsing: text)
        }
    }
}
