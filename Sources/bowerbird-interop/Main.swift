import ArgumentParser
import Foundation
import Logging
import Primitives
import RPC
import Transport

/// `bowerbird-interop`: `grpc.testing.TestService` on the server's own transport and RPC layer.
@main
struct Main: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bowerbird-interop",
        abstract: "Answers the interoperability tests of gRPC clients; for tests only.",
        discussion: "Prints one line, 'ready grpc=HOST:PORT admin=-', and runs until it is ended."
    )

    @Option(help: "HOST:PORT or unix:PATH to listen on. Port 0 picks a free one.")
    var listen = "127.0.0.1:0"

    func run() throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var router = Router()
        TestService.add(to: &router)
        let dispatcher = ServerDispatcher(router: router, processTag: 1)
        let transport = try ServerTransport(
            listening: [try SocketAddress(parsing: listen)],
            reactorCount: 2,
            logger: Logger(label: "bowerbird.interop")
        ) { _ in dispatcher.makeAcceptor() }
        let line = "ready grpc=\(transport.boundAddresses[0]) admin=-\n"
        FileHandle.standardOutput.write(Data(line.utf8))
        // Reads until whoever started it is gone.
        while !FileHandle.standardInput.availableData.isEmpty {}
        transport.stop()
    }
}
