import ArgumentParser

/// `bowerbird-server`: flags, wiring, signals, drain.
@main
struct Main: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bowerbird-server",
        abstract: "A real-time recommendation server, spoken to over gRPC.",
        discussion: """
            Prints one line, 'ready grpc=HOST:PORT admin=HOST:PORT', when it serves. SIGTERM ends \
            running calls and exits with 0; a second one ends the process at once.
            """
    )

    @OptionGroup
    var options: ServerOptions

    func run() throws {
        try ServerProcess(options).run()
    }
}
