/// Some rows of a file, each a run of cells; all text in one buffer.
package struct CellBlock: Sendable {
    /// A cell's bytes, UTF-8 without NUL.
    package struct Cell: Hashable, Sendable {
        package var start: UInt32
        package var count: UInt32
        /// It was quoted (or a JSON string): when empty, it is an empty text and not null.
        package var isQuoted: Bool

        package var range: Range<Int> { Int(start)..<Int(start) + Int(count) }

        /// Nothing between two commas.
        package var isNull: Bool { count == 0 && !isQuoted }
    }

    package struct Row: Hashable, Sendable {
        package var firstCell: UInt32
        package var cellCount: UInt32
        /// Counted from 1.
        package var line: UInt64
    }

    /// A row that can't be read.
    package struct Refused: Hashable, Sendable {
        package var line: UInt64
        /// Bytes of the line before what is wrong; counted from 1.
        package var column: Int
        package var reason: String
    }

    package var text: [UInt8] = []
    package var cells: [Cell] = []
    package var rows: [Row] = []
    package var refused: [Refused] = []
    /// Bytes of the file, unpacked, and lines up to the end of these rows.
    package var endOffset: UInt64 = 0
    package var endLine: UInt64 = 0

    package init() {}

    package func cells(of row: Row) -> ArraySlice<Cell> {
        cells[Int(row.firstCell)..<Int(row.firstCell + row.cellCount)]
    }

    package func string(_ cell: Cell) -> String {
        String(decoding: text[cell.range], as: UTF8.self)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer, isQuoted: Bool) {
        cells.append(
            Cell(
                start: UInt32(text.count),
                count: UInt32(bytes.count),
                isQuoted: isQuoted
            )
        )
        unsafe text.append(contentsOf: bytes)
    }
}

/// Reads rows out of the bytes of a file as they come.
///
/// Two conformers: CSV and JSON Lines.
package protocol RowSource: AnyObject {
    /// Takes the next bytes of the file, unpacked.
    func add(_ bytes: [UInt8])

    /// The rows that are whole by now, at most `rowsMax`; with `isEnd`, nothing comes after what
    /// was added.
    ///
    /// - Returns: A block without rows and refused rows when more bytes are needed, or at the end.
    func next(rowsMax: Int, isEnd: Bool) -> CellBlock

    /// The column names so far, as the file has them; cells of a row are in this order.
    var columns: [String] { get }

    /// Why the line that should name the columns can't be read; nothing is read behind it.
    var headerProblem: CellBlock.Refused? { get }
}
