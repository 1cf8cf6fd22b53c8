import ArgumentParser
import Foundation
import Transport

/// `bowerbird certs`: certificates for a developer's machine.
struct CertsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certs",
        abstract: "Makes certificates.",
        subcommands: [Development.self]
    )

    struct Development: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dev",
            abstract: "Makes a CA with a server's and a client's certificate, for development.",
            discussion: """
                They last \(DevelopmentCertificates.days) days. The CA's key is not kept. Existing \
                files are not replaced.
                """
        )

        @Argument(help: "The folder to write to; made if absent.")
        var directory: String

        @Option(name: .customLong("name"), help: "A DNS name or address of the server; repeatable.")
        var names: [String] = ["localhost", "127.0.0.1"]

        @Option(help: "The common name of the client's certificate.")
        var client = "developer"

        func run() throws {
            do {
                try FileManager.default.createDirectory(
                    atPath: directory,
                    withIntermediateDirectories: true
                )
                let paths = try DevelopmentCertificates.write(
                    to: directory,
                    names: names,
                    client: client
                )
                for path in paths { print(path) }
            } catch let error as TransportError {
                throw CommandFailure(description: error.message)
            }
            say(
                """
                Serve with: bowerbird-server --tls-certificate \(directory)/server.pem \
                --tls-key \(directory)/server-key.pem …
                Ask with: bowerbird status --tls-ca \(directory)/ca.pem
                """
            )
        }
    }
}
