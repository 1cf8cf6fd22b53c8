import Formats
import Foundation
import Primitives

/// A dataset in canonical form: `train.csv.gz`, `test.csv.gz`, `meta.json`, perhaps `items.csv.gz`.
///
/// Identifiers become dense numbers in order of first sight.
struct CanonicalData {
    struct Event {
        var user: UInt32
        var item: UInt32
        var type: UInt16
        var milliseconds: Int64
        /// A ranked list is asked for before this event, which is the right answer.
        var isQuery = false
    }

    private(set) var name = ""
    /// An item that a user touched is never a right answer.
    private(set) var excludesSeen = false
    private(set) var train: [Event] = []
    private(set) var test: [Event] = []
    private(set) var users: [String] = []
    private(set) var items: [String] = []
    private(set) var types: [String] = []
    /// The columns of `items.csv.gz` that are texts, and the rows by item.
    private(set) var itemColumns: [String] = []
    private(set) var itemTexts: [[String]] = []
    private var userIndices: [String: UInt32] = [:]
    private var itemIndices: [String: UInt32] = [:]
    private var typeIndices: [String: UInt16] = [:]

    init(directory: URL) throws {
        let meta = try JSONSerialization.jsonObject(
            with: Data(contentsOf: directory.appending(path: "meta.json"))
        )
        guard let meta = meta as? [String: Any] else {
            throw BenchError("meta.json of \(directory.path) is no object")
        }
        name = meta["name"] as? String ?? directory.lastPathComponent
        excludesSeen = meta["exclude_seen"] as? Bool ?? false
        try readItems(directory.appending(path: "items.csv.gz"))
        train = try read(directory.appending(path: "train.csv.gz"))
        test = try read(directory.appending(path: "test.csv.gz"))
        // Histories are by time; the order of the rows decides between equal times.
        train = train.enumerated().sorted {
            ($0.element.milliseconds, $0.offset) < ($1.element.milliseconds, $1.offset)
        }.map(\.element)
    }

    /// A made-up shop of users who go through items of three of many kinds, each often followed by
    /// the next.
    ///
    /// What a record says is the kind, two themes and three words of a title.
    init(items itemCount: Int, users userCount: Int, eventsEach: Int, tests: Int, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        name = "made"
        users = (0..<userCount).map { "user-\($0)" }
        items = (0..<itemCount).map { "item-\($0)" }
        types = ["view"]
        let kinds = max(1, itemCount / 200)
        itemColumns = ["TAGS", "TITLE"]
        itemTexts = (0..<itemCount).map { item in
            let themes = (0..<2).map { _ in "theme\(Int.random(in: 0..<30, using: &random))" }
            let words = (0..<3).map { _ in "word\(Int.random(in: 0..<5_000, using: &random))" }
            return [
                (["kind\(item % kinds)"] + themes).joined(separator: "|"),
                words.joined(separator: " "),
            ]
        }
        var events: [Event] = []
        for user in 0..<userCount {
            let favourites = (0..<3).map { _ in Int.random(in: 0..<kinds, using: &random) }
            var item = 0
            for step in 0..<eventsEach {
                if step > 0, Int.random(in: 0..<5, using: &random) < 2 {
                    item = (item + kinds) % itemCount
                } else {
                    // A few items of a kind have most of its events.
                    let share = Double.random(in: 0..<1, using: &random)
                    let kind = favourites[Int.random(in: 0..<3, using: &random)]
                    item = Int(share * share * 199) * kinds + kind
                }
                events.append(
                    Event(
                        user: UInt32(user),
                        item: UInt32(item % itemCount),
                        type: 0,
                        milliseconds: Int64(user * 10_000 + step * 3_600_000)
                    )
                )
            }
        }
        events = events.enumerated().sorted {
            ($0.element.milliseconds, $0.offset) < ($1.element.milliseconds, $1.offset)
        }.map(\.element)
        test = Array(events.suffix(tests))
        train = Array(events.dropLast(tests))
    }

    /// Items are there from the beginning: their file says not since when.
    private mutating func readItems(_ file: URL) throws {
        guard FileManager.default.fileExists(atPath: file.path) else { return }
        let table = try CSVTable(file)
        let id = try table.column("ITEM_ID")
        let texts = table.header.indices.filter { column in
            column != id && table.rows.contains { Double($0[column]) == nil && !$0[column].isEmpty }
        }
        itemColumns = texts.map { table.header[$0] }
        for row in table.rows {
            _ = Self.index(row[id], &itemIndices, &items)
            itemTexts.append(texts.map { row[$0] })
        }
    }

    private mutating func read(_ file: URL) throws -> [Event] {
        var events: [Event] = []
        let table = try CSVTable(file)
        let columns = try ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"].map(table.column)
        let query = try? table.column("QUERY")
        for row in table.rows {
            guard let seconds = Double(row[columns[2]]) else {
                throw BenchError("\(file.lastPathComponent): '\(row[columns[2]])' is no time")
            }
            events.append(
                Event(
                    user: Self.index(row[columns[0]], &userIndices, &users),
                    item: Self.index(row[columns[1]], &itemIndices, &items),
                    type: UInt16(Self.index(row[columns[3]], &typeIndices, &types)),
                    milliseconds: Int64(seconds * 1_000),
                    isQuery: query.map { row[$0] == "1" } ?? false
                )
            )
        }
        return events
    }

    private static func index<Index: FixedWidthInteger>(
        _ id: String,
        _ indices: inout [String: Index],
        _ ids: inout [String]
    ) -> Index {
        if let known = indices[id] { return known }
        let new = Index(ids.count)
        indices[id] = new
        ids.append(id)
        return new
    }
}

/// The rows of one CSV file, which may be compressed.
struct CSVTable {
    let rows: [[String]]
    let header: [String]
    private let file: URL

    init(_ file: URL) throws {
        let reader = CSVReader()
        let text = try file.pathExtension == "gz" ? Self.unzip(file) : Data(contentsOf: file)
        var rows = try reader.read([UInt8](text))
        rows += try reader.finish()
        guard let first = rows.first else { throw BenchError("\(file.path) is empty") }
        header = first.cells
        self.rows = rows.dropFirst().map(\.cells)
        self.file = file
        if let row = rows.first(where: { $0.cells.count != first.cells.count }) {
            throw BenchError(
                "\(file.path), row \(row.number): has \(row.cells.count) cells, the header has "
                    + "\(first.cells.count)"
            )
        }
    }

    func column(_ name: String) throws -> Int {
        guard let index = header.firstIndex(of: name) else {
            throw BenchError("\(file.path): has no column \(name)")
        }
        return index
    }

    private static func unzip(_ file: URL) throws -> Data {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", file.path]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BenchError("gzip could not read \(file.path)")
        }
        return data
    }
}

/// Why a measurement can't be made.
struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
