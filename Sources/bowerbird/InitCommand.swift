import ArgumentParser
import BowerbirdClient
import Foundation

/// `bowerbird init`: a dataset group with schemas as the files have them.
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract:
            "Creates a dataset group, schemas inferred from CSV files, datasets and a tracker."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The name of the group.") var name: String
    @Option(help: "A CSV file of events: user, item, timestamp and own columns.")
    var interactions: String
    @Option(help: "A CSV file of items.") var items: String?
    @Option(help: "A CSV file of users.") var users: String?

    func run() async throws {
        let client = try server.client()
        let group = try await client.createDatasetGroup(name)
        for type in DatasetType.allCases {
            guard let path = path(type) else { continue }
            let document = try await Self.schema(of: path, type)
            let schema = try await client.createSchema("\(name)-\(type)", document: document)
            _ = try await client.createDataset("\(type)", group: group, type: type, schema: schema)
        }
        let trackingID = try await client.createEventTracker("default", group: group)
        print("dataset group \(group)\ntracking id   \(trackingID)")
        client.close()
    }

    private func path(_ type: DatasetType) -> String? {
        switch type {
        case .interactions: interactions
        case .items: items
        case .users: users
        }
    }

    /// The schema that fits the first rows of a file.
    static func schema(of path: String, _ type: DatasetType) async throws -> String {
        var found: Table?
        var guess: TypeGuess?
        try await Table.read(path, reserved: type.reserved) { table, rows in
            if guess == nil {
                found = table
                guess = TypeGuess(count: table.columns.count)
                for row in rows.prefix(2_000) { guess?.see(row) }
            }
        }
        guard let found, let guess else {
            throw CommandFailure(description: "'\(path)' has no rows to infer a schema from")
        }
        for column in type.required where found.index(column) == nil {
            throw CommandFailure(description: "'\(path)' has no column that is \(column)")
        }
        var fields = type.required.map { column in
            "{\"name\":\"\(column)\",\"type\":\"\(column == "TIMESTAMP" ? "long" : "string")\"}"
        }
        if type == .interactions {
            fields.append("{\"name\":\"EVENT_TYPE\",\"type\":\"string\"}")
            fields.append("{\"name\":\"EVENT_VALUE\",\"type\":[\"float\",\"null\"]}")
        }
        for (index, column) in found.columns.enumerated() where !type.reserved.contains(column) {
            fields.append(guess.field(index, column))
        }
        let record = "\(type)".prefix(1).uppercased() + "\(type)".dropFirst()
        return "{\"type\":\"record\",\"name\":\"\(record)\","
            + "\"namespace\":\"com.amazonaws.personalize.schema\","
            + "\"fields\":[\(fields.joined(separator: ","))],\"version\":\"1.0\"}"
    }
}

extension DatasetType {
    /// Columns that a record has fields for.
    var reserved: [String] {
        switch self {
        case .interactions: ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE"]
        case .items: ["ITEM_ID"]
        case .users: ["USER_ID"]
        }
    }

    var required: [String] {
        switch self {
        case .interactions: ["USER_ID", "ITEM_ID", "TIMESTAMP"]
        case .items: ["ITEM_ID"]
        case .users: ["USER_ID"]
        }
    }
}
