import ArgumentParser
import BowerbirdClient
import Foundation

/// `bowerbird extend`: more columns for records that are there.
struct ExtendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extend",
        abstract: "Gives a dataset a schema with more columns, which all allow null.",
        discussion: "What was stored stays; the next call and the next filter may use the columns."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group.") var group: String
    @Argument(help: "interactions, items or users.") var dataset: String
    @Argument(help: "A file with the schema's Avro JSON document: all old fields and the new ones.")
    var file: String
    @Option(help: "The new schema's name; by default GROUP-DATASET and the time.")
    var name: String?

    func run() async throws {
        guard let data = FileManager.default.contents(atPath: file),
            let document = String(data: data, encoding: .utf8)
        else { throw CommandFailure(description: "'\(file)' can't be read as text") }
        let group = groupName(group)
        let label = group.split(separator: "/").last.map(String.init) ?? group
        let name = name ?? "\(label.prefix(30))-\(dataset)-\(Int(Date().timeIntervalSince1970))"
        let client = try server.client()
        defer { client.close() }
        let schema = try await client.createSchema(name, document: document)
        try await client.updateDataset("\(group)/datasets/\(dataset)", schema: schema)
        print("dataset \(group)/datasets/\(dataset)\nschema  \(schema)")
    }
}
