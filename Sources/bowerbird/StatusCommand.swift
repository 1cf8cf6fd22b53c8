import ArgumentParser
import BowerbirdClient
import Foundation

/// `bowerbird status`: whether the server serves, and what a group holds.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Says whether the server serves, or what a dataset group holds.",
        discussion: "What a group holds is counted exactly, which reads all of its records."
    )

    @OptionGroup var server: ServerOption
    @Argument(help: "The dataset group whose records are counted.") var group: String?
    @Option(help: "table or json.") var output = OutputForm.table

    func validate() throws {
        if output != .table && output != .json {
            throw ValidationError("--output is table or json")
        }
    }

    func run() async throws {
        let client = try server.client()
        defer { client.close() }
        guard let group else {
            let isServing = try await client.isServing()
            print(isServing ? "serving" : "not serving")
            if !isServing { throw ExitWith.failed }
            return
        }
        let (datasets, position) = try await client.datasetStatistics(of: groupName(group))
        if output == .json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return print(String(decoding: try encoder.encode(datasets), as: UTF8.self))
        }
        for one in datasets { show(one) }
        print("position \(position)")
    }

    private func show(_ one: DatasetStatistics) {
        let name = one.dataset.split(separator: "/").last ?? ""
        let share = one.bulkCount > 0 ? ", \(one.bulkCount) of them imported in bulk" : ""
        print("\(name): \(one.recordCount) records\(share), \(one.byteCount) bytes")
        if let first = one.firstEventMS, let last = one.lastEventMS {
            print("  \(one.userCount) users, \(one.sessionCount) sessions, \(one.itemCount) items")
            print("  from \(day(first)) to \(day(last))")
        } else if one.withoutInteractionsCount > 0 {
            print("  \(one.withoutInteractionsCount) of them without interactions")
        }
        for type in one.eventTypes { print("  event type \(type.name): \(type.count)") }
        for column in one.columns {
            let filled = one.recordCount == 0 ? 0 : column.filledCount * 100 / one.recordCount
            let more = column.hasMoreValues ? "more than " : ""
            print(
                "  \(column.name): filled in \(filled) %, \(more)\(column.distinctCount) values"
            )
        }
        for warning in one.warnings { say("\(name): \(warning)") }
    }

    private func day(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
            .formatted(.iso8601.year().month().day())
    }
}
