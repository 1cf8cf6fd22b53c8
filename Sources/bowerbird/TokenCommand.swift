import ArgumentParser
import Foundation
import RPC
import Transport

/// `bowerbird token`: the file that says who may call a server.
struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Makes, lists and revokes the tokens of a server's token file.",
        discussion: """
            The server reads the file again when it changes. Roles: read (ask, look), write (and \
            put and delete records), admin (and manage resources).
            """,
        subcommands: [Create.self, List.self, Revoke.self, Allow.self]
    )

    struct FileOption: ParsableArguments {
        @Option(name: .customLong("token-file"), help: "The file that the server reads.")
        var path: String

        /// Reads the file; an absent one is empty.
        func load() throws -> AccessFile {
            guard Files.exists(path) else { return AccessFile() }
            do {
                return try AccessFile(parsing: try Files.read(path, bytesMax: 1 << 20))
            } catch let error as AccessFile.Malformed {
                throw CommandFailure(description: "'\(path)', line \(error.line): \(error.reason)")
            } catch let error as TransportError {
                throw CommandFailure(description: error.message)
            }
        }

        func save(_ file: AccessFile) throws {
            do {
                try Files.replace(path, file.text)
            } catch {
                throw CommandFailure(description: error.message)
            }
        }
    }

    struct GrantOptions: ParsableArguments {
        @Option(help: "read, write or admin.")
        var role: Role

        @Option(
            name: .customLong("dataset-group"),
            help: "The name of a dataset group that it is for; repeatable. Default: all."
        )
        var groups: [String] = []

        /// The bare names of the groups.
        func groupNames() throws -> Set<String>? {
            let prefix = "datasetGroups/"
            let names = groups.map {
                $0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : $0
            }
            let isPlain = { (name: String) in
                !name.isEmpty && !name.contains { "/,* ".contains($0) }
            }
            if let bad = names.first(where: { !isPlain($0) }) {
                throw ValidationError("--dataset-group: '\(bad)' is no name of a dataset group")
            }
            return names.isEmpty ? nil : Set(names)
        }
    }

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a token and prints it, once: the file keeps only its digest."
        )

        @OptionGroup var file: FileOption
        @OptionGroup var grant: GrantOptions

        @Option(help: "What logs call it.")
        var name: String

        func run() throws {
            var access = try file.load()
            let groups = try grant.groupNames()
            guard let token = access.create(name: name, role: grant.role, groups: groups) else {
                throw CommandFailure(
                    description: "'\(name)' is taken, or not made of printable characters"
                )
            }
            try file.save(access)
            print(token)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists who may do what: kind, role, dataset groups, name; by tabs."
        )

        @OptionGroup var file: FileOption

        func run() throws {
            let access = try file.load()
            let rows =
                access.tokens.map { ("token", $0.grant) } + access.subjects.map { ("subject", $0) }
            for (kind, grant) in rows {
                print(
                    kind,
                    grant.role.rawValue,
                    AccessFile.groupsText(grant),
                    grant.principal.name,
                    separator: "\t"
                )
            }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Takes a token away.")

        @OptionGroup var file: FileOption
        @Option(help: "Its name.") var name: String

        func run() throws {
            var access = try file.load()
            guard access.revoke(name: name) else {
                throw CommandFailure(description: "there is no token named '\(name)'")
            }
            try file.save(access)
        }
    }

    struct Allow: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says what the owner of a client's certificate may do."
        )

        @OptionGroup var file: FileOption
        @OptionGroup var grant: GrantOptions

        @Argument(help: "The certificate's subject as RFC 2253 writes it, such as 'CN=shop,O=Ex'.")
        var subject: String

        func run() throws {
            var access = try file.load()
            access.allow(subject: subject, role: grant.role, groups: try grant.groupNames())
            try file.save(access)
        }
    }
}

extension Role: ExpressibleByArgument {}
