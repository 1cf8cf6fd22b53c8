import Settings
import Testing

@Suite
struct `A settings file` {
    @Test
    func `is one mapping of names to values or lists`() throws {
        let file = try SettingsFile(
            parsing: """
                # comment
                version: 1
                listen: [127.0.0.1:1, 'unix:/tmp/a b']
                name: "x: y"

                list:
                  - a
                  - b
                """
        )
        #expect(
            file.entries.map { [$0.key] + $0.values } == [
                ["version", "1"], ["listen", "127.0.0.1:1", "unix:/tmp/a b"], ["name", "x: y"],
                ["list", "a", "b"],
            ]
        )
        #expect(file.entries.map(\.line) == [2, 3, 4, 6])
    }

    @Test(arguments: ["", "# only a comment\n", "---\n"])
    func `may be empty`(text: String) throws {
        #expect(try SettingsFile(parsing: text).entries.isEmpty)
    }

    @Test(
        arguments: [
            ("- a\n", "line 1: a mapping of settings is expected, as in 'reactors: 2'"),
            ("a: 1\na: 2\n", "line 2: 'a' stands twice"),
            ("a:\n  b: 1\n", "line 2: 'a' takes a value, or a list of values"),
            ("a: [[1]]\n", "line 1: a list of 'a' holds plain values"),
            ("a: *b\n", "line 1: 'a' takes a value, or a list of values"),
            ("a: 1\n---\nb: 1\n", "line 2: one mapping of settings is expected, and no more"),
            ("a: 'b\n", "line 2: found unexpected end of stream"),
        ] as [(String, String)]
    )
    func `is refused with the line`(text: String, message: String) {
        #expect(throws: SettingsError(message)) { try SettingsFile(parsing: text) }
    }
}

@Suite
struct `A table of settings` {
    private let settings = [
        Setting("reactors", "Threads.", defaults: ["2"]), Setting("tls-key", "A file."),
        Setting("listen", "Where.", defaults: ["a:1"]),
    ]

    private func table(
        flags: [String: [String]] = [:],
        environment: [String: String] = [:],
        file: String = ""
    ) throws -> SettingsTable {
        try SettingsTable(
            settings,
            flags: flags,
            environment: environment,
            file: ("b.yaml", try SettingsFile(parsing: file))
        )
    }

    @Test
    func `takes flags over environment over file over defaults`() throws {
        let variables = ["BOWERBIRD_REACTORS": "4", "BOWERBIRD_TLS_KEY": "k", "OTHER": "1"]
        let all = try table(
            flags: ["reactors": ["3"], "listen": []],
            environment: variables,
            file: "reactors: 5\ntls-key: f\nlisten: [x:1, y:2]\n"
        )
        #expect(
            all.listing == """
                reactors: 3  # flag
                tls-key: k  # environment, BOWERBIRD_TLS_KEY
                listen: ['x:1', 'y:2']  # b.yaml, line 3

                """
        )
        let none = try table()
        #expect(
            none.listing == """
                reactors: 2  # default
                tls-key: ''  # default
                listen: 'a:1'  # default

                """
        )
        #expect(try SettingsFile(parsing: all.listing).entries.count == 3)
    }

    @Test
    func `refuses what no setting has, with what was meant`() {
        #expect(
            throws: SettingsError(
                "b.yaml, line 2: unknown setting 'tls_keys'; did you mean 'tls-key'?"
            )
        ) { try table(file: "reactors: 1\ntls_keys: a\n") }
        #expect(throws: SettingsError("b.yaml, line 1: unknown setting 'zzz'")) {
            try table(file: "zzz: a\n")
        }
    }

    @Test
    func `says where a bad value came from`() throws {
        let all = try table(environment: ["BOWERBIRD_REACTORS": "many"], file: "tls-key: maybe\n")
        #expect(
            throws: SettingsError(
                "reactors (environment, BOWERBIRD_REACTORS): 'many' is no whole number from 1 to 9"
            )
        ) { try all["reactors"].integer(1...9) }
        #expect(
            throws: SettingsError("tls-key (b.yaml, line 1): 'maybe' is neither true nor false")
        ) { try all["tls-key"].bool() }
        #expect(try table()["tls-key"].bool() == false)
        #expect(try table(flags: ["tls-key": ["yes"]])["tls-key"].bool())
    }
}
