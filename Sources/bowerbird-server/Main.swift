import ArgumentParser
import Settings

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
    var flags: ServerFlags

    func run() throws {
        let settings: ServerSettings
        do throws(SettingsError) {
            if flags.printConfig { return print(try flags.table().listing, terminator: "") }
            settings = try flags.read()
        } catch {
            throw ValidationError(error.message)
        }
        if flags.checkConfig { return print("the settings can be used") }
        try ServerProcess(settings, flags).run()
    }
}
