import ArgumentParser
import BowerbirdClient
import Foundation

/// Where the server is.
struct ServerOption: ParsableArguments {
    @Option(help: "HOST:PORT or unix:PATH. Default: BOWERBIRD_SERVER, else 127.0.0.1:50051.")
    var server: String?

    @Flag(help: "Speak TLS and trust the system's CAs; a file below implies it.")
    var tls = false

    @Option(help: "A PEM file of the CA of the server. Default: BOWERBIRD_TLS_CA.")
    var tlsCA: String?

    @Option(help: "The client's certificate, a PEM file. Default: BOWERBIRD_CLIENT_CERTIFICATE.")
    var tlsCertificate: String?

    @Option(help: "The key of that. Default: BOWERBIRD_CLIENT_KEY.")
    var tlsKey: String?

    @Option(help: "The name that the server's certificate must be for. Default: the host.")
    var tlsServerName: String?

    @Option(help: "The token to show. Default: BOWERBIRD_TOKEN.")
    var token: String?

    func client() throws -> BowerbirdClient {
        let environment = ProcessInfo.processInfo.environment
        return try BowerbirdClient(
            server: server ?? environment["BOWERBIRD_SERVER"] ?? "127.0.0.1:50051",
            tls: tlsSettings(environment),
            token: token ?? environment["BOWERBIRD_TOKEN"]
        )
    }

    private func tlsSettings(_ environment: [String: String]) -> TLSSettings? {
        let settings = TLSSettings(
            caFile: tlsCA ?? environment["BOWERBIRD_TLS_CA"],
            certificateFile: tlsCertificate ?? environment["BOWERBIRD_CLIENT_CERTIFICATE"],
            keyFile: tlsKey ?? environment["BOWERBIRD_CLIENT_KEY"],
            serverName: tlsServerName
        )
        return tls || settings != TLSSettings() ? settings : nil
    }
}

/// How lists are printed.
enum OutputForm: String, ExpressibleByArgument, CaseIterable {
    case table, json, jsonl, csv
}

/// The codes that the program ends with.
enum ExitWith {
    static let failed = ExitCode(1)
    static let unreachable = ExitCode(3)
    static let someRefused = ExitCode(4)
}

/// A failure that the program explains itself.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
}

/// Tells what happened on standard error and ends the process with the code that fits.
func leave(with error: any Error) -> Never {
    switch error {
    case let error as ClientError:
        say("error: \(error)")
        for violation in error.violations.dropFirst() {
            say("       \(violation.field): \(violation.description)")
        }
        if error.isUnreachable {
            say("Start a server with 'bowerbird-server --data-directory DIR', or give --server.")
            Bowerbird.exit(withError: ExitWith.unreachable)
        }
        Bowerbird.exit(withError: ExitWith.failed)
    case let error as CommandFailure:
        say("error: \(error.description)")
        Bowerbird.exit(withError: ExitWith.failed)
    case let code as ExitCode:
        Bowerbird.exit(withError: code)
    default:
        // ArgumentParser ends wrong usage with 64; 2 is what people expect.
        let code = Bowerbird.exitCode(for: error)
        let message = Bowerbird.fullMessage(for: error)
        if code == .success { print(message) } else { say(message) }
        Bowerbird.exit(withError: code == .validationFailure ? ExitCode(2) : code)
    }
}

/// A line for people, on standard error.
func say(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
}

/// `shop` or `datasetGroups/shop` → `datasetGroups/shop`.
func groupName(_ text: String) -> String {
    text.contains("/") ? text : "datasetGroups/\(text)"
}

/// A JSON text of a string.
func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        default:
            if scalar.value < 0x20 {
                result +=
                    "\\u" + String(repeating: "0", count: 4 - String(scalar.value, radix: 16).count)
                    + String(scalar.value, radix: 16)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
    }
    return result + "\""
}
