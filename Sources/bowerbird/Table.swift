import Formats
import Foundation

/// A CSV file of records: its header, and what the columns are.
struct Table {
    /// Names under which the reserved columns are known in the wild, folded.
    private static let synonyms: [String: [String]] = [
        "USER_ID": ["userid", "user"],
        "ITEM_ID": ["itemid", "item", "movieid", "productid"],
        "TIMESTAMP": ["timestamp", "time", "sentat"],
        "EVENT_TYPE": ["eventtype"],
        "EVENT_VALUE": ["eventvalue", "rating", "value"],
        "CREATION_TIMESTAMP": ["creationtimestamp"],
    ]

    let path: String
    /// The canonical name of each column; an own column keeps its name in `UPPER_SNAKE`.
    let columns: [String]

    init(path: String, header: [String], reserved: [String]) {
        self.path = path
        columns = header.map { name in
            let folded = name.lowercased().filter { $0 != "_" }
            for known in reserved where Self.synonyms[known]?.contains(folded) ?? false {
                return known
            }
            return Self.upperSnake(name)
        }
    }

    func index(_ column: String) -> Int? { columns.firstIndex(of: column) }

    /// A row's cell of a column; empty where there is none.
    func cell(_ row: CSVRow, _ column: String) -> String {
        guard let index = index(column), index < row.cells.count else { return "" }
        return row.cells[index]
    }

    /// Calls `body` with each batch of rows behind the header.
    static func read(
        _ path: String,
        reserved: [String],
        _ body: (Table, [CSVRow]) async throws -> Void
    ) async throws {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw CommandFailure(description: "'\(path)' can't be read")
        }
        let reader = CSVReader()
        var table: Table?
        var isAtEnd = false
        while !isAtEnd {
            let data = try file.read(upToCount: 1 << 18) ?? Data()
            isAtEnd = data.isEmpty
            var rows: [CSVRow]
            do {
                rows = isAtEnd ? try reader.finish() : try reader.read(Array(data))
            } catch {
                throw CommandFailure(description: "'\(path)' is no CSV file: \(error.message)")
            }
            if table == nil, !rows.isEmpty {
                table = Table(path: path, header: rows.removeFirst().cells, reserved: reserved)
            }
            if let table, !rows.isEmpty { try await body(table, rows) }
        }
    }

    /// The own columns of a row as a JSON object; empty cells are left out.
    func properties(_ row: CSVRow, without reserved: [String]) -> String {
        var members: [String] = []
        for (index, column) in columns.enumerated()
        where !reserved.contains(column) && index < row.cells.count && !row.cells[index].isEmpty {
            members.append("\(quoted(column)):\(quoted(row.cells[index]))")
        }
        return members.isEmpty ? "" : "{\(members.joined(separator: ","))}"
    }

    static func upperSnake(_ name: String) -> String {
        var result = ""
        var previousIsLower = false
        for character in name {
            if character.isUppercase && previousIsLower { result += "_" }
            result += character.isLetter || character.isNumber ? character.uppercased() : "_"
            previousIsLower = character.isLowercase || character.isNumber
        }
        return result
    }
}

/// Guesses the type of each own column from its first values.
struct TypeGuess {
    private struct Column {
        var isWhole = true
        var isNumber = true
        var hasValue = false
        var isMultiple = false
        var isLong = false
    }

    private var columns: [Column]

    init(count: Int) {
        columns = Array(repeating: Column(), count: count)
    }

    mutating func see(_ row: CSVRow) {
        for (index, cell) in row.cells.enumerated() where index < columns.count && !cell.isEmpty {
            columns[index].hasValue = true
            if Int64(cell) == nil { columns[index].isWhole = false }
            if Double(cell) == nil { columns[index].isNumber = false }
            if cell.contains("|") { columns[index].isMultiple = true }
            if cell.count > 60 { columns[index].isLong = true }
        }
    }

    /// The Avro form of an own column.
    func field(_ index: Int, _ name: String) -> String {
        let column = columns[index]
        let type =
            column.hasValue && column.isWhole
            ? "long" : column.hasValue && column.isNumber ? "float" : "string"
        let flag =
            type == "string" && (column.isMultiple || !column.isLong) ? ",\"categorical\":true" : ""
        return "{\"name\":\(quoted(name)),\"type\":[\"\(type)\",\"null\"]\(flag)}"
    }
}
