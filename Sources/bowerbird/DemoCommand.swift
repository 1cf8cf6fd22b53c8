import ArgumentParser
import BowerbirdClient
import Foundation

/// `bowerbird demo`: the point of it all, in a minute.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Starts a server of its own and shows imports, recommendations and a restart."
    )

    @Option(help: "The bowerbird-server to start. Default: the one beside this program.")
    var serverBinary: String?
    @Option(
        help: "A folder with MovieLens' ratings.csv and movies.csv. Default: a made-up catalogue."
    )
    var data: String?
    @Flag(help: "Leave the server running at the end.") var keep = false

    func run() async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("bowerbird-demo-\(UInt32.random(in: 0 ... .max))").path
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        var world =
            if let data { try await DemoWorld.movieLens(data, copies: folder) } else {
                try DemoWorld.generated(in: folder)
            }
        try world.holdOut(in: folder)
        let binary =
            serverBinary
            ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("bowerbird-server").path
        let server = DemoServer(binary: binary, directory: folder + "/data")
        do {
            try await Demo(world: world, server: server).run()
        } catch {
            server.kill()
            throw error
        }
        if keep {
            print(
                "\nThe server goes on: BOWERBIRD_SERVER=\(server.address) bowerbird recommend "
                    + "datasetGroups/demo/campaigns/user-personalization \(world.user)"
            )
            print("Stop it with: kill \(server.processIdentifier)")
        } else {
            server.kill()
            try? FileManager.default.removeItem(atPath: folder)
            print("\nWith --keep the server stays up for you to ask it more.")
        }
    }
}

/// A server process that the demo owns.
final class DemoServer {
    private let binary: String
    private let directory: String
    private var process = Process()
    private(set) var address = ""

    init(binary: String, directory: String) {
        self.binary = binary
        self.directory = directory
    }

    var processIdentifier: Int32 { process.processIdentifier }

    func start() throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = ["--data-directory", directory, "--listen", "127.0.0.1:0"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard line.hasPrefix("ready grpc="),
            let found = line.split(separator: " ").dropFirst().first
        else { throw CommandFailure(description: "the server did not start: \(line)") }
        address = String(found.dropFirst("grpc=".count))
    }

    /// As a power switch would.
    func kill() {
        guard process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
